// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/gstx/lease.h"

#include <utility>

#include "gst/base/handover.h"
#include "gst/base/mutex.h"
#include "gst/gstx/ref.h"

// The GObject around a lease, so that a GstStructure can hold it.
G_DECLARE_FINAL_TYPE(DistLeaseObject, dist_lease_object, DIST, LEASE_OBJECT, GObject)

struct _DistLeaseObject {
  GObject parent;
  std::shared_ptr<dist::Lease>* lease;
};

G_DEFINE_TYPE(DistLeaseObject, dist_lease_object, G_TYPE_OBJECT)

static void dist_lease_object_finalize(GObject* object) {
  delete DIST_LEASE_OBJECT(object)->lease;
  G_OBJECT_CLASS(dist_lease_object_parent_class)->finalize(object);
}

static void dist_lease_object_init(DistLeaseObject* self) {
  self->lease = new std::shared_ptr<dist::Lease>;
}

static void dist_lease_object_class_init(DistLeaseObjectClass* klass) {
  G_OBJECT_CLASS(klass)->finalize = dist_lease_object_finalize;
}

namespace dist {
namespace {

constexpr char kEventName[] = "dist-lease";
constexpr char kField[] = "lease";

}  // namespace

Lease::Lease(SegmentHeader source, std::vector<RenditionSpec> renditions)
    : source_(std::move(source)),
      renditions_(std::move(renditions)),
      last_activity_(g_get_monotonic_time()) {}

Lease::Done answer_without_frames(const Lease& lease) {
  Lease::Done done;
  for (const RenditionSpec& spec : lease.renditions()) {
    SegmentHeader header = lease.source();
    header.rendition = spec.name;
    header.caps.clear();
    header.first_unit = 0;
    header.units.clear();
    done.renditions.push_back({serialize(header)});
  }
  return done;
}

bool Lease::settle(Outcome outcome) {
  const MutexLock lock(mutex_);
  if (is_settled_)
    return false;
  is_settled_ = true;
  outcome_ = std::move(outcome);
  settled_.notify_all();
  return true;
}

void Lease::damaged(Time frame) {
  const MutexLock lock(mutex_);
  damaged_.insert(frame);
}

bool Lease::is_damaged(Time frame) const {
  const MutexLock lock(mutex_);
  return damaged_.contains(frame);
}

bool Lease::settled() const {
  const MutexLock lock(mutex_);
  return is_settled_;
}

Lease::Outcome Lease::wait() {
  const MutexLock lock(mutex_);
  while (!is_settled_)
    settled_.wait(mutex_);
  return *std::exchange(outcome_, Cancelled());
}

GstEvent* lease_event_new(std::shared_ptr<Lease> lease) {
  const auto object =
      Ref<GObject>::adopt(G_OBJECT(g_object_new(dist_lease_object_get_type(), nullptr)));
  *DIST_LEASE_OBJECT(object.get())->lease = std::move(lease);
  hand_over(object.get());
  return gst_event_new_custom(
      GST_EVENT_CUSTOM_DOWNSTREAM_STICKY,
      gst_structure_new(kEventName, kField, dist_lease_object_get_type(), object.get(), nullptr));
}

std::shared_ptr<Lease> lease_from_event(GstEvent* event) {
  if (!gst_event_has_name(event, kEventName))
    return nullptr;
  const GValue* value = gst_structure_get_value(gst_event_get_structure(event), kField);
  if (!value || !G_VALUE_HOLDS(value, dist_lease_object_get_type()))
    return nullptr;
  auto* const object = DIST_LEASE_OBJECT(g_value_get_object(value));
  take_over(object);
  return *object->lease;
}

}  // namespace dist
