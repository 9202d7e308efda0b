// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/gstx/linked_libraries.h"

#include <dlfcn.h>
#include <link.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include "gst/base/text.h"

namespace dist {
namespace {

constexpr std::size_t kShownBytes = 8;

// One that is loaded already, for as long as this lives.
class Library {
 public:
  explicit Library(const char* name) : handle_(dlopen(name, RTLD_LAZY | RTLD_NOLOAD)) {}
  ~Library() {
    if (handle_)
      dlclose(handle_);
  }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  // Null: it is not loaded.
  const link_map* map() const {
    link_map* map = nullptr;
    return handle_ && dlinfo(handle_, RTLD_DI_LINKMAP, &map) == 0 ? map : nullptr;
  }

 private:
  void* const handle_;
};

std::vector<std::string> needed_by(const link_map& map) {
  const char* strings = nullptr;
  for (const ElfW(Dyn)* entry = map.l_ld; entry->d_tag != DT_NULL; ++entry)
    if (entry->d_tag == DT_STRTAB) {
      // Not on every architecture the loader has added where the library lies.
      const auto at =
          entry->d_un.d_ptr < map.l_addr ? entry->d_un.d_ptr + map.l_addr : entry->d_un.d_ptr;
      strings = reinterpret_cast<const char*>(at);
    }
  std::vector<std::string> names;
  for (const ElfW(Dyn)* entry = map.l_ld; strings && entry->d_tag != DT_NULL; ++entry)
    if (entry->d_tag == DT_NEEDED)
      names.emplace_back(strings + entry->d_un.d_val);
  return names;
}

// In a note segment; empty if it is not there.
std::string build_id_in(const unsigned char* notes, std::size_t size) {
  const auto aligned = [](std::size_t n) { return (n + 3) & ~std::size_t{3}; };
  while (size >= sizeof(ElfW(Nhdr))) {
    ElfW(Nhdr) note;
    std::memcpy(&note, notes, sizeof note);
    const std::size_t whole = sizeof note + aligned(note.n_namesz) + aligned(note.n_descsz);
    if (whole > size)
      break;
    if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
        std::memcmp(notes + sizeof note, "GNU", 4) == 0)
      return hex_text({notes + sizeof note + 4, std::min<std::size_t>(note.n_descsz, kShownBytes)});
    notes += whole;
    size -= whole;
  }
  return {};
}

std::string build_id_of(const link_map& map) {
  struct Search {
    ElfW(Addr) at;
    std::string id = {};
  } search{map.l_addr};
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* data) {
        Search& wanted = *static_cast<Search*>(data);
        if (info->dlpi_addr != wanted.at)
          return 0;
        for (unsigned i = 0; i < info->dlpi_phnum && wanted.id.empty(); ++i)
          if (const ElfW(Phdr)& part = info->dlpi_phdr[i]; part.p_type == PT_NOTE)
            wanted.id =
                build_id_in(reinterpret_cast<const unsigned char*>(info->dlpi_addr + part.p_vaddr),
                            part.p_memsz);
        return 1;
      },
      &search);
  return search.id;
}

bool is_of_a_codec(std::string_view name) {
  constexpr std::array<std::string_view, 12> kOthers = {
      "libgst", "libglib-", "libgobject-", "libgmodule-", "libgio-",  "libc.",
      "libm.",  "libdl.",   "libpthread.", "libstdc++.",  "libgcc_s", "ld-"};
  return std::ranges::none_of(kOthers, [&](auto prefix) { return name.starts_with(prefix); });
}

}  // namespace

std::string codec_libraries(const std::string& plugin_file) {
  const Library plugin(plugin_file.c_str());
  if (!plugin.map())
    return {};
  std::string text;
  for (const std::string& name : needed_by(*plugin.map())) {
    const Library library(name.c_str());
    if (!is_of_a_codec(name) || !library.map())
      continue;
    const std::string id = build_id_of(*library.map());
    text += (text.empty() ? "" : " ") + name + (id.empty() ? "" : " " + id);
  }
  return text;
}

}  // namespace dist
