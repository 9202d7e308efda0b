// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/film/linked_source.h"

#include <gst/gst.h>

#include <algorithm>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gst/base/text.h"
#include "gst/gstx/ref.h"

namespace dist {
namespace {

using Holder = std::shared_ptr<FilmReach>;

// --- What an element may open

constexpr char kReachContext[] = "dist.film-reach";
constexpr char kField[] = "reach";

// In a context, boxed.
GType holder_type() {
  static const GType type = g_boxed_type_register_static(
      "DistFilmReachHolder",
      [](gpointer holder) -> gpointer { return new Holder(*static_cast<const Holder*>(holder)); },
      [](gpointer holder) { delete static_cast<Holder*>(holder); });
  return type;
}

// Null: the element was not told of any.
Holder own_reach(gpointer element) {
  const auto context =
      Ref<GstContext>::adopt(gst_element_get_context(GST_ELEMENT(element), kReachContext));
  const GValue* const value =
      context ? gst_structure_get_value(gst_context_get_structure(context.get()), kField) : nullptr;
  return value && G_VALUE_HOLDS(value, holder_type())
             ? *static_cast<const Holder*>(g_value_get_boxed(value))
             : nullptr;
}

// A source is made for a URI before it is anywhere.
std::vector<Holder> reaches_of(gpointer element) {
  if (Holder own = own_reach(element))
    return {std::move(own)};
  return FilmReach::living();
}

bool is_remote(gpointer element) {
  return std::ranges::any_of(reaches_of(element), &FilmReach::remote);
}

// Why the element may not open it.
std::optional<RefusedLink> refusal_of(gpointer element, const std::string& uri) {
  std::optional<RefusedLink> refusal = RefusedLink{"no film is read that leads to " + uri};
  for (const Holder& reach : reaches_of(element))
    if (refusal)
      refusal = reach->refusal_of(uri);
  return refusal;
}

void note_refusal(gpointer element, const RefusedLink& link) {
  for (const Holder& reach : reaches_of(element))
    reach->note(link);
}

// Those who hold the element answer, also a demuxer whose source is in no bin.
void ask_for_reach(GstElement* element) {
  if (!own_reach(element))
    gst_element_post_message(element,
                             gst_message_new_need_context(GST_OBJECT(element), kReachContext));
}

void refuse(GstElement* element, const RefusedLink& link) {
  note_refusal(element, link);
  GST_ELEMENT_ERROR(element, RESOURCE, OPEN_READ,
                    ("The film is not read any further: %s.", link.text.c_str()), (NULL));
}

// --- An element that takes what is refused, before any other is asked, and opens nothing

struct RefusedSource {
  GstElement parent;
  gchar* uri;            // Null: none was refused.
  RefusedLink* refusal;  // Likewise.
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
  const auto refusal = refusal_of(handler, uri);
  if (!refusal) {
    g_set_error(error, GST_URI_ERROR, GST_URI_ERROR_BAD_URI, "'%s' may be opened.", uri);
    return FALSE;
  }
  g_free(self_of(handler)->uri);
  self_of(handler)->uri = g_strdup(uri);
  delete std::exchange(self_of(handler)->refusal, new RefusedLink(*refusal));
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
  ask_for_reach(element);
  const RefusedLink* const refusal = self_of(element)->refusal;
  refuse(element, refusal ? *refusal : RefusedLink{"it leads nowhere"});
  return GST_STATE_CHANGE_FAILURE;
}

void finalize(GObject* object) {
  g_free(self_of(object)->uri);
  delete self_of(object)->refusal;
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

// --- Sources that are asked again for each URI, since demuxers go on with the one they have, and
// before they open the first one, since only then they know whose they are

// What the class of that factory does, of which a guarded one takes the place.
struct Stock {
  const char* factory;
  const char* guarded;
  const char* redirect = nullptr;  // Property: whether redirects are followed.
  gboolean (*set_uri)(GstURIHandler*, const gchar*, GError**) = nullptr;
  GstStateChangeReturn (*change_state)(GstElement*, GstStateChange) = nullptr;
  gboolean (*post_message)(GstElement*, GstMessage*) = nullptr;
};
Stock stock_file{"filesrc", "distguardedfilesrc"};
Stock stock_http{"souphttpsrc", "distguardedhttpsrc", "automatic-redirect"};

template <Stock& stock>
gboolean set_guarded_uri(GstURIHandler* handler, const gchar* uri, GError** error) {
  if (const auto refusal = refusal_of(handler, uri)) {
    note_refusal(handler, *refusal);
    g_set_error(error, GST_URI_ERROR, GST_URI_ERROR_BAD_URI, "%s", refusal->text.c_str());
    return FALSE;
  }
  return stock.set_uri(handler, uri, error);
}

template <Stock& stock>
GstStateChangeReturn change_guarded_state(GstElement* element, GstStateChange change) {
  if (change == GST_STATE_CHANGE_NULL_TO_READY) {
    ask_for_reach(element);
    const std::string uri = take_string(gst_uri_handler_get_uri(GST_URI_HANDLER(element)));
    if (const auto refusal = uri.empty() ? std::nullopt : refusal_of(element, uri)) {
      refuse(element, *refusal);
      return GST_STATE_CHANGE_FAILURE;
    }
    // Where a redirect leads is not known before.
    if (stock.redirect)
      g_object_set(element, stock.redirect, gboolean{is_remote(element)}, nullptr);
  }
  return stock.change_state(element, change);
}

// Demuxers keep the error from who hears of theirs.
template <Stock& stock>
gboolean post_guarded_message(GstElement* element, GstMessage* message) {
  const GstStructure* details = nullptr;
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR)
    gst_message_parse_error_details(message, &details);
  guint status = 0;
  if (details && gst_structure_get_uint(details, "http-status-code", &status) &&
      status / 100 == 3 && !is_remote(element))
    note_refusal(
        element,
        {"the server redirects to another address (" + std::to_string(status) + ")", true});
  return stock.post_message(element, message);
}

// What GObject gives here, and below, is a copy of the parent's.
template <Stock& stock>
void guard_class(gpointer klass, gpointer) {
  auto* const element = GST_ELEMENT_CLASS(klass);
  stock.change_state = std::exchange(element->change_state, change_guarded_state<stock>);
  stock.post_message = std::exchange(element->post_message, post_guarded_message<stock>);
}

template <Stock& stock>
void guard_handler(gpointer iface, gpointer) {
  auto* const handler = static_cast<GstURIHandlerInterface*>(iface);
  stock.set_uri = std::exchange(handler->set_uri, set_guarded_uri<stock>);
}

// A class that stands before the stock one, and is like it but for this.
template <Stock& stock>
void register_guarded() {
  const auto found = Ref<GstElementFactory>::adopt(gst_element_factory_find(stock.factory));
  const auto factory =
      found ? Ref<GstPluginFeature>::adopt(gst_plugin_feature_load(GST_PLUGIN_FEATURE(found.get())))
            : Ref<GstPluginFeature>();
  if (!factory)
    return;
  GTypeQuery query;
  g_type_query(gst_element_factory_get_element_type(GST_ELEMENT_FACTORY(factory.get())), &query);
  const GType type = g_type_register_static_simple(
      query.type, stock.guarded, static_cast<guint>(query.class_size), guard_class<stock>,
      static_cast<guint>(query.instance_size), nullptr, static_cast<GTypeFlags>(0));
  const GInterfaceInfo info{guard_handler<stock>, nullptr, nullptr};
  g_type_add_interface_static(type, GST_TYPE_URI_HANDLER, &info);
  gst_element_register(nullptr, stock.guarded, kBeforeAll - 1, type);
}

void register_guards() {
  register_refused_source();
  register_guarded<stock_file>();
  register_guarded<stock_http>();
  // They fetch by themselves.
  for (const char* name : {"hlsdemux2", "dashdemux2", "mssdemux2"})
    if (const auto feature =
            Ref<GstPluginFeature>::adopt(gst_registry_lookup_feature(gst_registry_get(), name)))
      gst_registry_remove_feature(gst_registry_get(), feature.get());
}

}  // namespace

void guard_sources() {
  static std::once_flag once;
  std::call_once(once, register_guards);
}

void set_reach(GstElement* element, const std::shared_ptr<FilmReach>& reach) {
  const auto context = Ref<GstContext>::adopt(gst_context_new(kReachContext, TRUE));
  gst_structure_set(gst_context_writable_structure(context.get()), kField, holder_type(), &reach,
                    nullptr);
  gst_element_set_context(element, context.get());
}

}  // namespace dist
