// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/film/linked_source.h"

#include <gst/gst.h>

#include <algorithm>
#include <filesystem>
#include <mutex>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "gst/base/mutex.h"
#include "gst/base/text.h"
#include "gst/gstx/ref.h"

namespace dist {
namespace {

namespace fs = std::filesystem;

std::string scheme_of(const std::string& uri) {
  return take_string(gst_uri_get_protocol(uri.c_str()));
}

bool is_http(const std::string& scheme) {
  return scheme == "http" || scheme == "https";
}

// --- Where a film lies

// With the links in it followed; empty if the URI is none of a file.
fs::path file_of(const std::string& uri) {
  const std::string path = take_string(g_filename_from_uri(uri.c_str(), nullptr, nullptr));
  std::error_code error;
  return path.empty() ? fs::path() : fs::weakly_canonical(path, error);
}

// A pipe or a device could be waited for without end.
bool is_file_beside(const std::string& film, const fs::path& file) {
  const fs::path folder = file_of(film).parent_path();
  std::error_code error;
  if (folder.empty() || file.empty() || !fs::is_regular_file(file, error))
    return false;
  const fs::path below = file.lexically_relative(folder);
  return !below.empty() && *below.begin() != "..";
}

struct Host {
  std::string name;
  int port = 0;  // 0: that of HTTP or HTTPS.
  bool operator==(const Host&) const = default;
};

Host host_of(const std::string& uri) {
  GUri* const parsed = g_uri_parse(uri.c_str(), G_URI_FLAGS_NONE, nullptr);
  if (!parsed)
    return {};
  Host host;
  if (const char* name = g_uri_get_host(parsed))
    host.name = take_string(g_ascii_strdown(name, -1));
  const int port = g_uri_get_port(parsed);
  host.port = port == -1 || port == 80 || port == 443 ? 0 : port;
  g_uri_unref(parsed);
  return host;
}

bool is_on_host_of(const std::string& film, const std::string& uri) {
  const Host host = host_of(uri);
  return is_http(scheme_of(film)) && !host.name.empty() && host == host_of(film);
}

// --- The policy of this process

Mutex lock;
FilmReach allowed GUARDED_BY(lock);
struct Refusal {
  std::string pipeline;  // Names of these are not used twice.
  std::string text;
  bool operator==(const Refusal&) const = default;
};
std::vector<Refusal> refusals GUARDED_BY(lock);  // Of those in a row that are alike, the first.

// The name of the pipeline that the element is in; empty if it is in none.
std::string pipeline_of(gpointer element) {
  auto top = Ref<GstObject>::share(GST_OBJECT(element));
  while (GstObject* const parent = gst_object_get_parent(top.get()))
    top = Ref<GstObject>::adopt(parent);
  return GST_IS_PIPELINE(top.get()) ? take_string(gst_object_get_name(top.get())) : "";
}

void note_refusal(gpointer element, const std::string& text) {
  Refusal refusal{pipeline_of(element), text};
  const MutexLock guard(lock);
  if (refusals.empty() || refusals.back() != refusal)
    refusals.push_back(std::move(refusal));
}

// Why it is not opened; empty if it is.
std::string refusal_of(const std::string& uri) {
  const FilmReach known = [] {
    const MutexLock guard(lock);
    return allowed;
  }();
  if (may_open(known, uri))
    return "";
  std::string text = "it leads to " + uri + ", which does not lie where the film does";
  if (is_http(scheme_of(uri)))
    text += "; with --allow-remote it is followed";
  return text;
}

// --- An element that takes what is refused, before any other is asked, and opens nothing

struct RefusedSource {
  GstElement parent;
  gchar* uri;  // Null: none was refused.
};

constexpr guint kBeforeAll = GST_RANK_PRIMARY + 1000;
GstElementClass* parent_class = nullptr;

RefusedSource* self_of(gpointer object) {
  return static_cast<RefusedSource*>(object);
}

// All that anything here reads. Never freed, as types are not.
const gchar* const* protocols(GType) {
  static const std::vector<const gchar*> all = [] {
    std::set<std::string_view> found;
    GList* const features =
        gst_registry_get_feature_list(gst_registry_get(), GST_TYPE_ELEMENT_FACTORY);
    for (GList* item = features; item; item = item->next) {
      auto* const factory = GST_ELEMENT_FACTORY(item->data);
      const gchar* const* names = gst_element_factory_get_uri_protocols(factory);
      if (gst_element_factory_get_uri_type(factory) == GST_URI_SRC)
        for (; names && *names; ++names)
          found.insert(*names);
    }
    std::vector<const gchar*> list;
    for (const std::string_view name : found)
      list.push_back(g_intern_string(std::string(name).c_str()));
    list.push_back(nullptr);
    gst_plugin_feature_list_free(features);
    return list;
  }();
  return all.data();
}

// What may be opened it leaves to the next one.
gboolean set_uri(GstURIHandler* handler, const gchar* uri, GError** error) {
  if (refusal_of(uri).empty()) {
    g_set_error(error, GST_URI_ERROR, GST_URI_ERROR_BAD_URI, "'%s' may be opened.", uri);
    return FALSE;
  }
  g_free(self_of(handler)->uri);
  self_of(handler)->uri = g_strdup(uri);
  return TRUE;
}

void init_handler(gpointer iface, gpointer) {
  auto* const handler = static_cast<GstURIHandlerInterface*>(iface);
  handler->get_type = [](GType) { return GST_URI_SRC; };
  handler->get_protocols = protocols;
  handler->set_uri = set_uri;
  handler->get_uri = [](GstURIHandler* self) { return g_strdup(self_of(self)->uri); };
}

GstStateChangeReturn change_state(GstElement* element, GstStateChange change) {
  if (change != GST_STATE_CHANGE_NULL_TO_READY)
    return parent_class->change_state(element, change);
  const gchar* const uri = self_of(element)->uri;
  const std::string why = refusal_of(uri ? uri : "");
  note_refusal(element, why);
  GST_ELEMENT_ERROR(element, RESOURCE, OPEN_READ,
                    ("The film is not read any further: %s.", why.c_str()), (NULL));
  return GST_STATE_CHANGE_FAILURE;
}

void finalize(GObject* object) {
  g_free(self_of(object)->uri);
  G_OBJECT_CLASS(parent_class)->finalize(object);
}

GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

void init_class(gpointer klass, gpointer) {
  parent_class = GST_ELEMENT_CLASS(g_type_class_peek_parent(klass));
  G_OBJECT_CLASS(klass)->finalize = finalize;
  auto* const element = GST_ELEMENT_CLASS(klass);
  element->change_state = change_state;
  gst_element_class_set_static_metadata(element, "Refused source", "Source/Network",
                                        "Stands for what a film leads to and is not opened",
                                        "The gst-dist authors");
  gst_element_class_add_static_pad_template(element, &src_template);
}

void init_instance(GTypeInstance* instance, gpointer) {
  gst_element_add_pad(GST_ELEMENT(instance),
                      gst_pad_new_from_static_template(&src_template, "src"));
  GST_OBJECT_FLAG_SET(instance, GST_ELEMENT_FLAG_SOURCE);
}

void register_refused_source() {
  const GType type = g_type_register_static_simple(
      GST_TYPE_ELEMENT, "DistRefusedSource", sizeof(GstElementClass), init_class,
      sizeof(RefusedSource), init_instance, static_cast<GTypeFlags>(0));
  const GInterfaceInfo info{init_handler, nullptr, nullptr};
  g_type_add_interface_static(type, GST_TYPE_URI_HANDLER, &info);
  gst_element_register(nullptr, "distrefusedsrc", kBeforeAll, type);
}

// --- Sources that are asked again for each URI, since demuxers go on with the one they have

using SetUri = gboolean (*)(GstURIHandler*, const gchar*, GError**);

// Of the class that it takes the place of.
SetUri set_uri_of_file = nullptr;
SetUri set_uri_of_http = nullptr;

template <SetUri& parent>
gboolean set_guarded_uri(GstURIHandler* handler, const gchar* uri, GError** error) {
  if (const std::string why = refusal_of(uri); !why.empty()) {
    note_refusal(handler, why);
    g_set_error(error, GST_URI_ERROR, GST_URI_ERROR_BAD_URI, "%s", why.c_str());
    return FALSE;
  }
  return parent(handler, uri, error);
}

// What GObject gives here is a copy of the parent's.
template <SetUri& parent>
void guard_handler(gpointer iface, gpointer) {
  auto* const handler = static_cast<GstURIHandlerInterface*>(iface);
  parent = std::exchange(handler->set_uri, set_guarded_uri<parent>);
}

struct Guarded {
  const char* factory;
  const char* type;
  GClassInitFunc init_class;
  GInstanceInitFunc init;
  GInterfaceInitFunc init_handler;
};

// A class that stands before the one of that factory, and is like it but for this.
void register_guarded(const Guarded& guarded) {
  const auto found = Ref<GstElementFactory>::adopt(gst_element_factory_find(guarded.factory));
  const auto factory =
      found ? Ref<GstPluginFeature>::adopt(gst_plugin_feature_load(GST_PLUGIN_FEATURE(found.get())))
            : Ref<GstPluginFeature>();
  if (!factory)
    return;
  GTypeQuery query;
  g_type_query(gst_element_factory_get_element_type(GST_ELEMENT_FACTORY(factory.get())), &query);
  const GType type = g_type_register_static_simple(
      query.type, guarded.type, static_cast<guint>(query.class_size), guarded.init_class,
      static_cast<guint>(query.instance_size), guarded.init, static_cast<GTypeFlags>(0));
  const GInterfaceInfo info{guarded.init_handler, nullptr, nullptr};
  g_type_add_interface_static(type, GST_TYPE_URI_HANDLER, &info);
  gst_element_register(nullptr, guarded.type, kBeforeAll - 1, type);
}

// --- That of HTTP follows no redirect either: where it leads is not known before

gboolean (*post_message)(GstElement*, GstMessage*) = nullptr;  // Of the parent's class.

// Demuxers keep the error from who hears of theirs.
gboolean post_from_http(GstElement* element, GstMessage* message) {
  const GstStructure* details = nullptr;
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR)
    gst_message_parse_error_details(message, &details);
  guint status = 0;
  if (details && gst_structure_get_uint(details, "http-status-code", &status) && status / 100 == 3)
    note_refusal(element, "the server redirects to another address (" + std::to_string(status) +
                              "); with --allow-remote it is followed");
  return post_message(element, message);
}

void init_http_class(gpointer klass, gpointer) {
  auto* const element = GST_ELEMENT_CLASS(klass);
  post_message = std::exchange(element->post_message, post_from_http);
}

void init_http(GTypeInstance* instance, gpointer) {
  g_object_set(instance, "automatic-redirect", FALSE, nullptr);
}

void register_guards() {
  register_refused_source();
  register_guarded(
      {"filesrc", "distguardedfilesrc", nullptr, nullptr, guard_handler<set_uri_of_file>});
  bool remote = false;
  {
    const MutexLock guard(lock);
    remote = allowed.remote;
  }
  if (!remote)
    register_guarded({"souphttpsrc", "distguardedhttpsrc", init_http_class, init_http,
                      guard_handler<set_uri_of_http>});
  // They fetch by themselves.
  for (const char* name : {"hlsdemux2", "dashdemux2", "mssdemux2"})
    if (GstPluginFeature* const feature = gst_registry_lookup_feature(gst_registry_get(), name)) {
      gst_registry_remove_feature(gst_registry_get(), feature);
      gst_object_unref(feature);
    }
}

}  // namespace

bool may_open(const FilmReach& reach, const std::string& uri) {
  if (std::ranges::find(reach.films, uri) != reach.films.end())
    return true;
  const std::string scheme = scheme_of(uri);
  // It is in the playlist itself.
  if (scheme == "data" || (reach.remote && is_http(scheme)))
    return true;
  const bool is_file = scheme == "file";
  const fs::path file = is_file ? file_of(uri) : fs::path();
  return std::ranges::any_of(reach.films, [&](const std::string& film) {
    return is_file ? is_file_beside(film, file) : is_http(scheme) && is_on_host_of(film, uri);
  });
}

void guard_sources() {
  static std::once_flag once;
  std::call_once(once, register_guards);
}

void add_film(const std::string& uri) {
  const MutexLock guard(lock);
  if (std::ranges::find(allowed.films, uri) == allowed.films.end())
    allowed.films.push_back(uri);
}

GOptionEntry allow_remote_entry() {
  const GOptionArgFunc allow = [](const gchar*, const gchar*, gpointer, GError**) -> gboolean {
    const MutexLock guard(lock);
    allowed.remote = true;
    return TRUE;
  };
  return {"allow-remote",
          0,
          G_OPTION_FLAG_NO_ARG,
          G_OPTION_ARG_CALLBACK,
          reinterpret_cast<gpointer>(allow),
          "Follow a playlist to other hosts than its own",
          nullptr};
}

std::size_t refused_links() {
  const MutexLock guard(lock);
  return refusals.size();
}

std::string refused_link(std::size_t after, GstElement* pipeline) {
  const std::string name = pipeline ? pipeline_of(pipeline) : "";
  const MutexLock guard(lock);
  for (std::size_t i = after; i < refusals.size(); ++i)
    if (!pipeline || refusals[i].pipeline.empty() || refusals[i].pipeline == name)
      return refusals[i].text;
  return "";
}

}  // namespace dist
