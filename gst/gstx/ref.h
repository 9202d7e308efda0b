// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Ownership of GStreamer and GLib objects in the type.
#pragma once

#include <gst/gst.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>

namespace dist {

template <class T>
struct RefTraits {
  static void ref(T* object) { g_object_ref(object); }
  static void unref(T* object) { g_object_unref(object); }
};

template <class T>
struct MiniObjectTraits {
  static void ref(T* object) { gst_mini_object_ref(GST_MINI_OBJECT_CAST(object)); }
  static void unref(T* object) { gst_mini_object_unref(GST_MINI_OBJECT_CAST(object)); }
};
template <>
struct RefTraits<GstBuffer> : MiniObjectTraits<GstBuffer> {};
template <>
struct RefTraits<GstCaps> : MiniObjectTraits<GstCaps> {};
template <>
struct RefTraits<GstContext> : MiniObjectTraits<GstContext> {};
template <>
struct RefTraits<GstEvent> : MiniObjectTraits<GstEvent> {};
template <>
struct RefTraits<GstMemory> : MiniObjectTraits<GstMemory> {};
template <>
struct RefTraits<GstMessage> : MiniObjectTraits<GstMessage> {};
template <>
struct RefTraits<GstSample> : MiniObjectTraits<GstSample> {};
template <>
struct RefTraits<GstTagList> : MiniObjectTraits<GstTagList> {};

// One reference to an object, or none.
template <class T>
class Ref {
 public:
  Ref() = default;
  Ref(const Ref& other) : Ref(share(other.object_)) {}
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ref() {
    if (object_)
      RefTraits<T>::unref(object_);
  }

  // Takes over the caller's reference.
  static Ref adopt(T* object) {
    Ref ref;
    ref.object_ = object;
    return ref;
  }
  // Takes over the floating reference of a new element or pad.
  static Ref sink(T* object) {
    g_object_ref_sink(object);
    return adopt(object);
  }
  // Adds a reference.
  static Ref share(T* object) {
    if (object)
      RefTraits<T>::ref(object);
    return adopt(object);
  }

  explicit operator bool() const { return object_ != nullptr; }
  T* get() const { return object_; }
  // Gives the reference to the caller.
  T* release() { return std::exchange(object_, nullptr); }

 private:
  T* object_ = nullptr;
};

// A buffer's or memory's bytes, readable as long as this lives.
class BufferMap {
 public:
  explicit BufferMap(GstBuffer* buffer) : buffer_(Ref<GstBuffer>::share(buffer)) {
    mapped_ = gst_buffer_map(buffer, &info_, GST_MAP_READ);
  }
  ~BufferMap() {
    if (mapped_)
      gst_buffer_unmap(buffer_.get(), &info_);
  }
  BufferMap(const BufferMap&) = delete;
  BufferMap& operator=(const BufferMap&) = delete;

  // Empty if the buffer could not be mapped.
  std::span<const std::uint8_t> span() const {
    return mapped_ ? std::span<const std::uint8_t>(info_.data, info_.size)
                   : std::span<const std::uint8_t>();
  }
  explicit operator bool() const { return mapped_; }

 private:
  Ref<GstBuffer> buffer_;
  GstMapInfo info_;
  bool mapped_ = false;
};

}  // namespace dist
