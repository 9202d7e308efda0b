// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/gst-dist/compare/comparison_plot.h"

#include <algorithm>
#include <cmath>

#include "gst/base/text.h"
#include "tools/gst-dist/progress.h"

namespace dist::tool {
namespace {

// In pixels of the drawing.
constexpr double kWidth = 1000;
constexpr double kMargin = 20;
constexpr double kLeft = 64;
constexpr double kRight = kWidth - kMargin;
constexpr double kTop = 96;
constexpr double kBottom = 356;
constexpr double kSpecimensTop = 424;
constexpr double kCell = (kRight - kLeft) / kMaxSpecimens;
constexpr double kMaxPicture = kCell - 10;
constexpr double kMaxPictureHeight = 132;
constexpr double kNumber = 9;  // Radius.

constexpr std::size_t kNameLength = 60;  // Characters.
constexpr std::size_t kVerdictLength = 104;
constexpr std::size_t kMaxTicks = 10;

constexpr char kInk[] = "#222";
constexpr char kCurve[] = "#1f5fa8";
constexpr char kBad[] = "#c62828";

std::string number(double value) {
  gchar text[G_ASCII_DTOSTR_BUF_SIZE];
  return g_ascii_formatd(text, sizeof text, "%.1f", value);
}

std::string escaped(const std::string& text) {
  return take_string(g_markup_escape_text(printable(text).c_str(), -1));
}

// ` name="value"`.
std::string with(const char* name, const std::string& value) {
  return std::string(" ") + name + "=\"" + value + "\"";
}
std::string with(const char* name, double value) {
  return with(name, number(value));
}

std::string rectangle(double x, double y, double width, double height, const std::string& style) {
  return "<rect" + with("x", x) + with("y", y) + with("width", width) + with("height", height) +
         style + "/>\n";
}

std::string line(double x1, double y1, double x2, double y2, const std::string& style) {
  return "<line" + with("x1", x1) + with("y1", y1) + with("x2", x2) + with("y2", y2) + style +
         "/>\n";
}

std::string words(double x, double y, const std::string& text, const std::string& style = "") {
  return "<text" + with("x", x) + with("y", y) + style + ">" + escaped(text) + "</text>\n";
}

struct Scale {
  double seconds = 1;  // Of the whole width.
  double bits = 64;    // Of the whole height.

  double x(Time time) const {
    return kLeft + (kRight - kLeft) * static_cast<double>(time) / 1e9 / seconds;
  }
  double y(double value) const { return kBottom - (kBottom - kTop) * value / bits; }
};

Scale scale_of(const Comparison& comparison) {
  unsigned largest = 0;
  for (const FramePair& pair : comparison.pairs)
    largest = std::max(largest, pair.score());
  Scale scale;
  scale.seconds = std::max(static_cast<double>(comparison.length()) / 1e9, 0.001);
  // Room for the numbers above the curve.
  const double wanted = std::max({1.2 * largest, 1.5 * comparison.threshold, 48.0});
  scale.bits = std::min(std::ceil(wanted / 16) * 16, 288.0);
  return scale;
}

// The smallest round step that does not give too many.
double tick_of(double seconds) {
  constexpr double kSteps[] = {0.1, 0.2, 0.5, 1,   2,   5,    10,   15,  30,
                               60,  120, 300, 600, 900, 1800, 3600, 7200};
  for (const double step : kSteps)
    if (seconds / step <= static_cast<double>(kMaxTicks))
      return step;
  return std::ceil(seconds / static_cast<double>(kMaxTicks) / 3600) * 3600;
}

std::string axes(const Scale& scale) {
  const std::string grid = with("stroke", "#ddd");
  std::string svg;
  const double step = scale.bits > 192 ? 64 : scale.bits > 80 ? 32 : 16;
  for (double bits = 0; bits <= std::min(scale.bits, 256.0); bits += step) {
    svg += line(kLeft, scale.y(bits), kRight, scale.y(bits), grid);
    svg += words(kLeft - 8, scale.y(bits) + 4, std::to_string(std::lround(bits)),
                 with("text-anchor", "end"));
  }
  const double tick = tick_of(scale.seconds);
  for (unsigned i = 0; i * tick <= scale.seconds * 1.0001; ++i) {
    const double x = scale.x(static_cast<Time>(i * tick * 1e9));
    const std::string label =
        tick < 1 ? time_text(static_cast<Time>(std::llround(i * tick * 1e9))).substr(0, 6)
                 : clock_text(i * tick);
    svg += line(x, kBottom, x, kBottom + 5, with("stroke", kInk));
    svg += words(x, kBottom + 19, label, with("text-anchor", "middle"));
  }
  svg += line(kLeft, kBottom, kRight, kBottom, with("stroke", kInk));
  svg +=
      words(kLeft, kBottom + 40, scale.seconds >= 3600 ? "time of A, h:min:s" : "time of A, min:s");
  svg += words(-(kTop + kBottom) / 2, 22, "distance, bits of 256",
               with("text-anchor", "middle") + with("transform", "rotate(-90)"));
  return svg;
}

// Where the films differ, or only one of them goes on.
std::string areas(const Comparison& comparison, const Scale& scale) {
  std::string svg;
  for (const Difference& difference : comparison.differences) {
    const double x = scale.x(difference.start);
    const double width = std::max(scale.x(difference.stop) - x, 2.0);
    svg += rectangle(x, kTop, width, kBottom - kTop,
                     with("fill", kBad) + with("fill-opacity", "0.12"));
  }
  if (!comparison.other_length)
    return svg;
  const double x = scale.x(std::min(comparison.a_end, comparison.b_end));
  svg += rectangle(x, kTop, kRight - x, kBottom - kTop, with("fill", "#ddd"));
  if (kRight - x > 60)
    svg += words((x + kRight) / 2, kTop + 20,
                 comparison.a_end > comparison.b_end ? "only A" : "only B",
                 with("text-anchor", "middle"));
  return svg;
}

// The pairs that are drawn at one place.
struct Column {
  double x = 0;
  double least = 0;
  double most = 0;
};

// In runs: flat frames that show the same have no distance.
std::vector<std::vector<Column>> columns_of(const Comparison& comparison, const Scale& scale) {
  std::vector<std::vector<Column>> runs;
  bool open = false;
  for (const FramePair& pair : comparison.pairs) {
    if (pair.flat && !pair.differs) {
      open = false;
      continue;
    }
    const double x = scale.x(pair.time);
    const double score = pair.score();
    if (!open)
      runs.emplace_back();
    open = true;
    std::vector<Column>& run = runs.back();
    if (run.empty() || x - run.back().x >= 1)
      run.push_back({.x = x, .least = score, .most = score});
    Column& column = run.back();
    column.least = std::min(column.least, score);
    column.most = std::max(column.most, score);
  }
  return runs;
}

std::string point(double x, double y) {
  return number(x) + "," + number(y) + " ";
}

std::string curve(const Comparison& comparison, const Scale& scale) {
  std::string svg;
  for (const std::vector<Column>& run : columns_of(comparison, scale)) {
    std::string worst;
    for (const Column& column : run)
      worst += point(column.x, scale.y(column.most));
    std::string range = worst;
    for (auto column = run.rbegin(); column != run.rend(); ++column)
      range += point(column->x, scale.y(column->least));
    if (run.size() == 1)
      worst += point(run[0].x + 1, scale.y(run[0].most));
    svg += "<polygon" + with("points", range) + with("fill", kCurve) +
           with("fill-opacity", "0.25") + with("stroke", kCurve) + with("stroke-opacity", "0.25") +
           "/>\n";
    svg += "<polyline" + with("points", worst) + with("fill", "none") + with("stroke", kCurve) +
           with("stroke-width", "1.5") + with("stroke-linejoin", "round") + "/>\n";
  }
  return svg;
}

std::string threshold_line(const Comparison& comparison, const Scale& scale) {
  const double y = scale.y(comparison.threshold);
  const std::string text = "threshold " + std::to_string(comparison.threshold);
  const auto label = [&](const std::string& style) {
    return words(kRight - 6, y - 5, text, with("text-anchor", "end") + style);
  };
  return line(kLeft, y, kRight, y, with("stroke", kBad) + with("stroke-dasharray", "6 4")) +
         // So that it can be read on the curve too.
         label(with("stroke", "#fff") + with("stroke-width", "4") +
               with("stroke-linejoin", "round")) +
         label(with("fill", kBad));
}

std::string legend() {
  const double y = kBottom + 36;
  const auto label = [y](double x, const std::string& text) { return words(x, y + 4, text); };
  return rectangle(420, y - 5, 26, 10, with("fill", kCurve) + with("fill-opacity", "0.25")) +
         line(420, y, 446, y, with("stroke", kCurve) + with("stroke-width", "1.5")) +
         label(452, "worst distance, and range below it; none: flat and the same") +
         rectangle(862, y - 7, 26, 14, with("fill", kBad) + with("fill-opacity", "0.12")) +
         label(894, "the films differ");
}

std::string circle(double x, double y, std::size_t index) {
  return "<circle" + with("cx", x) + with("cy", y) + with("r", kNumber) + with("fill", kInk) +
         "/>\n" +
         words(x, y + 4, std::to_string(index + 1),
               with("text-anchor", "middle") + with("fill", "#fff") + with("font-weight", "bold"));
}

// Its size on the drawing.
std::pair<double, double> size_of(const Thumbnail& thumbnail) {
  const double by = std::min(kMaxPicture / thumbnail.width, kMaxPictureHeight / thumbnail.height);
  return {thumbnail.width * by, thumbnail.height * by};
}

std::string picture(double x, double y, const Thumbnail& thumbnail) {
  if (thumbnail.jpeg.empty())
    return words(x, y + 16, "cannot be shown");
  const auto [width, height] = size_of(thumbnail);
  const std::string base64 = take_string(g_base64_encode(
      reinterpret_cast<const guchar*>(thumbnail.jpeg.data()), thumbnail.jpeg.size()));
  return "<image" + with("x", x) + with("y", y) + with("width", width) + with("height", height) +
         " xlink:href=\"data:image/jpeg;base64," + base64 + "\"/>\n";
}

std::string what_of(const FramePair& pair) {
  const std::string time = time_text(pair.time);
  return pair.flat ? time + ", flat" : time + ", " + count_text(pair.distance, "bit");
}

// Height of a row of pictures.
double row_height(const std::vector<Specimen>& specimens, Thumbnail Specimen::*which) {
  double height = 20;
  for (const Specimen& specimen : specimens)
    height = std::max(height, size_of(specimen.*which).second);
  return height;
}

// Numbered on the curve, and their pictures below.
std::string specimens_svg(const CompareReport& report, const Scale& scale,
                          const std::vector<Specimen>& specimens) {
  const double a_top = kSpecimensTop + 20;
  const double b_top = a_top + row_height(specimens, &Specimen::a) + 6;
  const std::string bold = with("font-weight", "bold") + with("font-size", "15");
  std::string svg;
  if (!specimens.empty())
    svg += words(kLeft - 24, a_top + 16, "A", bold) + words(kLeft - 24, b_top + 16, "B", bold);
  for (std::size_t i = 0; i < specimens.size(); ++i) {
    const FramePair& pair = report.comparison.pairs[specimens[i].pair];
    const double y = scale.y(pair.score());
    svg += circle(std::clamp(scale.x(pair.time), kLeft + kNumber, kRight - kNumber),
                  std::max(y - kNumber - 5, kTop + kNumber), i);
    const double x = kLeft + kCell * static_cast<double>(i);
    svg += circle(x + kNumber, kSpecimensTop + 4, i);
    svg += words(x + 2 * kNumber + 6, kSpecimensTop + 8, what_of(pair));
    svg += picture(x, a_top, specimens[i].a) + picture(x, b_top, specimens[i].b);
  }
  return svg;
}

double height_of(const std::vector<Specimen>& specimens) {
  if (specimens.empty())
    return kBottom + 60;
  return kSpecimensTop + 26 + row_height(specimens, &Specimen::a) +
         row_height(specimens, &Specimen::b) + kMargin;
}

std::string film_line(double y, const char* letter, const ComparedFilm& film) {
  const std::string name = film.input.substr(film.input.rfind('/') + 1);
  return words(kMargin, y, letter, with("font-weight", "bold") + with("font-size", "15")) +
         words(kMargin + 20, y, shortened(printable(name), kNameLength) + ": " + film_text(film));
}

}  // namespace

std::string draw(const CompareReport& report, const std::vector<Specimen>& specimens) {
  const Comparison& comparison = report.comparison;
  const Scale scale = scale_of(comparison);
  const std::string height = std::to_string(std::lround(height_of(specimens)));
  return "<svg xmlns=\"http://www.w3.org/2000/svg\" "
         "xmlns:xlink=\"http://www.w3.org/1999/xlink\"" +
         with("width", std::to_string(std::lround(kWidth))) + with("height", height) +
         with("viewBox", "0 0 " + std::to_string(std::lround(kWidth)) + " " + height) +
         with("font-family", "DejaVu Sans, Verdana, Arial, sans-serif") + with("font-size", "12") +
         with("fill", kInk) + ">\n" + "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n" +
         film_line(28, "A", report.a) + film_line(48, "B", report.b) +
         words(kMargin, 76, cut(verdict_text(comparison), kVerdictLength),
               with("font-weight", "bold") + with("font-size", "15") +
                   with("fill", comparison.same() ? "#1b7f3b" : kBad)) +
         areas(comparison, scale) + axes(scale) + curve(comparison, scale) +
         threshold_line(comparison, scale) + legend() + specimens_svg(report, scale, specimens) +
         "</svg>\n";
}

}  // namespace dist::tool
