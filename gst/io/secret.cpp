// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/io/secret.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

namespace dist {
namespace {

// Of random letters and digits 70 bits, which nobody guesses over a network.
constexpr std::size_t kLeastSecret = 12;

// As ssh has it of keys; but a service may share a file of root's with its group.
bool is_private(const struct stat& file) {
  const mode_t others = file.st_uid == ::geteuid() ? S_IRWXG | S_IRWXO : S_IRWXO;
  return !S_ISREG(file.st_mode) || (file.st_mode & others) == 0;
}

}  // namespace

Result<std::string> find_secret(const std::string& secret, const std::string& file) {
  if (!secret.empty())
    return secret;
  if (file.empty()) {
    const char* value = std::getenv("GST_DIST_SECRET");
    return std::string(value ? value : "");
  }
  std::ifstream in(file);
  std::string line;
  if (!in || !std::getline(in, line))
    return Error{"secret-file '" + file + "': cannot be read"};
  struct stat status {};
  if (::stat(file.c_str(), &status) == 0 && !is_private(status))
    return Error{"secret-file '" + file + "': others can read it; make it yours alone: chmod 600"};
  if (line.ends_with('\r'))
    line.pop_back();
  if (line.empty())
    return Error{"secret-file '" + file + "': its first line is empty"};
  return line;
}

std::string flaw_of_secret(const std::string& secret) {
  if (secret.size() >= kLeastSecret)
    return "";
  return "a secret of " + std::to_string(secret.size()) +
         " characters can be guessed; make a longer one, for instance with: openssl rand -hex 32";
}

bool is_in_command_line(const std::string& secret) {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  const std::string line{std::istreambuf_iterator<char>(file), {}};
  return line.find("secret=" + secret) != std::string::npos;
}

}  // namespace dist
