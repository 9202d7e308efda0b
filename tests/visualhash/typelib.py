# SPDX-FileCopyrightText: The gst-dist authors
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The library gstvisualhash-1.0 as Python sees it, through the typelib in the folder of the first argument.
import sys
import unittest

try:
    import gi
    gi.require_version("Gst", "1.0")
    gi.require_version("GstVideo", "1.0")
    from gi.repository import Gst
except (ImportError, ValueError) as error:
    print(f"skipped: {error}")
    sys.exit(77)

gi.require_version("GstVisualHash", "1.0")
from gi.repository import GstVisualHash  # noqa: E402


WIDTH, HEIGHT = 64, 48


def picture(shade):
    return bytes(shade(x, y) & 255 for y in range(HEIGHT) for x in range(WIDTH))


def hash_of(luma):
    return GstVisualHash.visual_hash_from_plane(luma, WIDTH, WIDTH, HEIGHT)


class VisualHash(unittest.TestCase):
    rings = picture(lambda x, y: (x * x + y * y) // 8)

    def test_same_picture_has_the_same_hash(self):
        value = hash_of(self.rings)
        self.assertGreaterEqual(value.quality, GstVisualHash.VISUAL_HASH_MIN_QUALITY)
        self.assertEqual(GstVisualHash.visual_hash_distance(value, hash_of(self.rings)), 0)

    def test_other_picture_has_another_hash(self):
        other = hash_of(picture(lambda x, y: x * 4 ^ y * 5))
        distance = GstVisualHash.visual_hash_distance(hash_of(self.rings), other)
        self.assertGreater(distance, GstVisualHash.VISUAL_HASH_SAME)

    def test_text_and_back(self):
        value = hash_of(self.rings)
        digits = GstVisualHash.visual_hash_to_string(value)
        self.assertEqual(digits, bytes(value.bits).hex())
        read = hash_of(bytes(WIDTH * HEIGHT))
        self.assertTrue(GstVisualHash.visual_hash_from_string(read, digits))
        self.assertEqual(bytes(read.bits), bytes(value.bits))
        self.assertFalse(GstVisualHash.visual_hash_from_string(read, digits[1:]))

    def test_buffer_keeps_a_hash(self):
        value = hash_of(self.rings)
        buffer = Gst.Buffer.new()
        self.assertIsNone(GstVisualHash.buffer_get_visual_hash_meta(buffer))
        GstVisualHash.buffer_add_visual_hash_meta(buffer, value)
        meta = GstVisualHash.buffer_get_visual_hash_meta(buffer)
        self.assertEqual(bytes(meta.hash.bits), bytes(value.bits))


Gst.init(None)
unittest.main()
