// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/farm/farm_context.h"

#include "gst/gstx/ref.h"

namespace dist {
namespace {

constexpr char kField[] = "farm";

// In a context, boxed.
struct FarmHolder {
  std::shared_ptr<Farm> kept;  // Null: announced by an element, which alone keeps it.
  std::weak_ptr<Farm> farm;
};

GType holder_type() {
  static const GType type = g_boxed_type_register_static(
      "DistFarmHolder",
      [](gpointer holder) -> gpointer {
        return new FarmHolder(*static_cast<const FarmHolder*>(holder));
      },
      [](gpointer holder) { delete static_cast<FarmHolder*>(holder); });
  return type;
}

Ref<GstContext> context_with(const FarmHolder& holder) {
  auto context = Ref<GstContext>::adopt(gst_context_new(kFarmContext, holder.kept != nullptr));
  gst_structure_set(gst_context_writable_structure(context.get()), kField, holder_type(), &holder,
                    nullptr);
  return context;
}

}  // namespace

void set_farm(GstElement* element, const std::shared_ptr<Farm>& farm) {
  gst_element_set_context(element, context_with({farm, farm}).get());
}

FarmOffer farm_offered(GstContext* context) {
  if (!context || !gst_context_has_context_type(context, kFarmContext))
    return {};
  const GValue* value = gst_structure_get_value(gst_context_get_structure(context), kField);
  if (!value || !G_VALUE_HOLDS(value, holder_type()))
    return {};
  const auto* holder = static_cast<const FarmHolder*>(g_value_get_boxed(value));
  return {holder->farm.lock(), holder->kept != nullptr};
}

void announce_farm(GstElement* element, const std::shared_ptr<Farm>& farm) {
  gst_element_post_message(element, gst_message_new_have_context(
                                        GST_OBJECT(element), context_with({{}, farm}).release()));
}

void ask_for_farm(GstElement* element) {
  gst_element_post_message(element,
                           gst_message_new_need_context(GST_OBJECT(element), kFarmContext));
}

}  // namespace dist
