#!/usr/bin/python3
# SPDX-FileCopyrightText: The gst-dist authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes a ladder from Python: DIR/720p.mp4, DIR/360p.mp4 and so on, of the video of IN.

    ladder.py IN DIR [RENDITION...]

    ladder.py film.mp4 out 720p:h264:1280x720:crf=23 360p:h264:640x360

The cores of this machine do it, and tell how far they are. A file has its name only once all are
complete; Ctrl-C and errors leave none. docs/renditions.md says what a rendition may be; here each
is H.264 in MP4. Needs python3-gi and gir1.2-gstreamer-1.0.

Exit code: 0 done, 1 failed, 2 wrong command line, 130 Ctrl-C.
"""

import os
import re
import signal
import sys

import gi

gi.require_version("Gst", "1.0")
from gi.repository import GLib, Gst  # noqa: E402  After the version.


class Ladder:
    def __init__(self, film, folder, renditions):
        self.names = [rendition.split(":")[0].strip() for rendition in renditions]
        self.files = {name: os.path.join(folder, name + ".mp4") for name in self.names}
        self.loop = GLib.MainLoop()
        self.done = 0  # Nanoseconds of the film.
        self.exit_code = 0

        text = "filesrc name=film ! parsebin ! distsegmenter name=cut ! remoteenc name=farm ! distjoin name=join"
        for name in self.names:
            text += f" join.src_{name} ! h264parse ! mp4mux ! filesink name=file-{name}"
        self.pipeline = Gst.parse_launch_full(text, None, Gst.ParseFlags.FATAL_ERRORS)
        # Not in the text, where spaces and quotes would have a meaning.
        self.set("film", "location", film)
        self.set("farm", "renditions", ",".join(renditions))
        for name, file in self.files.items():
            self.set("file-" + name, "location", file + ".part")

        bus = self.pipeline.get_bus()
        bus.add_signal_watch()
        bus.connect("message::eos", lambda bus, message: self.loop.quit())
        bus.connect("message::error", self.on_error)
        bus.connect("message::element", self.on_element)

    def set(self, element, name, value):
        self.pipeline.get_by_name(element).set_property(name, value)

    def on_error(self, bus, message):
        error, debug = message.parse_error()
        # Stock elements say the cause in the last line of the debug text. Later errors are
        # consequences.
        if self.exit_code == 0:
            cause = debug.split("\n")[1:] if debug else []
            print("ladder.py:", error.message, *cause[-1:], file=sys.stderr)
        self.exit_code = self.exit_code or 1
        self.loop.quit()

    def on_element(self, bus, message):
        said = message.get_structure()
        if said.get_name() == "dist-segment-done" and said.get_value("complete"):
            # Segments come back in any order, so it is their lengths that add up.
            self.done += said.get_value("stop") - said.get_value("start")
            pad = self.pipeline.get_by_name("cut").get_static_pad("sink")
            known, length = pad.peer_query_duration(Gst.Format.TIME)
            share = f"{min(100, 100 * self.done // length):3} %" if known and length > 0 else ""
            print(f"{share} {self.done / Gst.SECOND:.1f} s, segment", said.get_value("segment"),
                  "by", said.get_value("name"), flush=True)
        elif said.get_name() == "dist-lease-failed":
            # Somebody else does that segment.
            print(said.get_value("name"), "failed:", said.get_value("reason"), flush=True)

    def on_interrupt(self):
        self.exit_code = 130
        self.loop.quit()
        return GLib.SOURCE_CONTINUE

    def run(self):
        GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal.SIGINT, self.on_interrupt)
        # If this fails, the bus says why.
        self.pipeline.set_state(Gst.State.PLAYING)
        self.loop.run()
        self.pipeline.set_state(Gst.State.NULL)
        self.pipeline.get_bus().remove_signal_watch()
        for file in self.files.values():
            if self.exit_code == 0:
                os.replace(file + ".part", file)
            elif os.path.exists(file + ".part"):
                os.remove(file + ".part")
        return self.exit_code


def main(arguments):
    if len(arguments) < 3:
        print(f"usage: {arguments[0]} IN DIR [RENDITION...]", file=sys.stderr)
        return 2
    Gst.init(None)
    try:
        os.makedirs(arguments[2], exist_ok=True)
        renditions = arguments[3:] or ["720p:h264:1280x720", "360p:h264:640x360"]
        for rendition in renditions:
            # It becomes the name of a pad, in a text that may hold whole pipelines, and of a file.
            if not re.fullmatch("[A-Za-z0-9_-]+", rendition.split(":")[0].strip()):
                print(f"{arguments[0]}: '{rendition}': a name has letters, digits, '-' and '_' only",
                      file=sys.stderr)
                return 2
        return Ladder(arguments[1], arguments[2], renditions).run()
    except (GLib.Error, OSError) as error:
        print("ladder.py:", getattr(error, "message", error), file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv))
