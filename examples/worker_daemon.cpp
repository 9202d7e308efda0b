// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A worker inside a daemon without a user interface: a pipeline on a GMainLoop that a daemon has
// anyway, which serves one job after another until SIGTERM or Ctrl-C. Then it takes no more work,
// finishes what it has begun, and hands the rest back, so that its primary counts nothing as
// failed.
//
//   worker_daemon HOST [PORT]
//
// The secret, where the primary has one, is that of the environment variable GST_DIST_SECRET.
//
// Exit code: 0 ended by a signal, 1 it cannot work, 2 wrong command line.

#include <glib-unix.h>
#include <gst/gst.h>

namespace {

// What systemd grants by default is 90 s.
constexpr guint kGrace = 60;  // Seconds.

struct Daemon {
  GMainLoop* loop = nullptr;
  GstElement* pipeline = nullptr;
  bool ending = false;
  guint grace = 0;  // Source, 0: none.
  int exit_code = 0;
};

gboolean on_grace_over(gpointer data) {
  auto* const daemon = static_cast<Daemon*>(data);
  daemon->grace = 0;
  g_message("not finished after %u s; hands back what it has", kGrace);
  g_main_loop_quit(daemon->loop);
  return G_SOURCE_REMOVE;
}

// At a second signal nothing is finished any more.
gboolean on_signal(gpointer data) {
  auto* const daemon = static_cast<Daemon*>(data);
  if (daemon->ending) {
    g_main_loop_quit(daemon->loop);
    return G_SOURCE_CONTINUE;
  }
  daemon->ending = true;
  g_message("ending: finishes what it has begun");
  // The worker retires, and EOS is on the bus when its last answer is sent.
  gst_element_send_event(daemon->pipeline, gst_event_new_eos());
  daemon->grace = g_timeout_add_seconds(kGrace, on_grace_over, daemon);
  return G_SOURCE_CONTINUE;
}

// Each slot has a connection of its own; SOURCE tells them apart.
void log_link(GstMessage* message) {
  const GstStructure* const said = gst_message_get_structure(message);
  const char* const source = GST_MESSAGE_SRC_NAME(message);
  if (gst_structure_has_name(said, "dist-connected")) {
    g_message("%s: connected", source);
  } else if (gst_structure_has_name(said, "dist-disconnected")) {
    gboolean done = FALSE;
    gst_structure_get_boolean(said, "done", &done);
    g_message("%s: disconnected, %s", source,
              done ? "the job is done" : gst_structure_get_string(said, "reason"));
  } else if (gst_structure_has_name(said, "dist-connecting")) {
    g_message("%s: no primary yet (%s)", source, gst_structure_get_string(said, "reason"));
  }
}

gboolean on_message(GstBus*, GstMessage* message, gpointer data) {
  auto* const daemon = static_cast<Daemon*>(data);
  switch (GST_MESSAGE_TYPE(message)) {
    case GST_MESSAGE_EOS:
      g_main_loop_quit(daemon->loop);
      break;
    case GST_MESSAGE_ERROR: {
      GError* error = nullptr;
      gst_message_parse_error(message, &error, nullptr);
      // Several elements may complain of one thing.
      if (daemon->exit_code == 0)
        g_printerr("worker_daemon: %s\n", error->message);
      g_error_free(error);
      daemon->exit_code = 1;
      g_main_loop_quit(daemon->loop);
      break;
    }
    case GST_MESSAGE_ELEMENT:
      log_link(message);
      break;
    default:
      break;
  }
  return G_SOURCE_CONTINUE;
}

}  // namespace

int main(int argc, char** argv) {
  gst_init(&argc, &argv);
  const guint64 port = argc == 3 ? g_ascii_strtoull(argv[2], nullptr, 10) : 7700;
  if (argc < 2 || argc > 3 || port < 1 || port > 65535) {
    g_printerr("usage: %s HOST [PORT]   (PORT: default 7700)\n", argv[0]);
    return 2;
  }
  GstElement* const worker = gst_element_factory_make("remoteencworker", nullptr);
  if (!worker) {
    g_printerr("worker_daemon: there is no element remoteencworker; set GST_PLUGIN_PATH.\n");
    return 1;
  }
  g_object_set(worker, "host", argv[1], "port", static_cast<guint>(port), nullptr);

  Daemon daemon;
  daemon.loop = g_main_loop_new(nullptr, FALSE);
  daemon.pipeline = gst_pipeline_new(nullptr);
  gst_bin_add(GST_BIN(daemon.pipeline), worker);
  GstBus* const bus = gst_element_get_bus(daemon.pipeline);
  gst_bus_add_watch(bus, on_message, &daemon);
  const guint sources[] = {g_unix_signal_add(SIGTERM, on_signal, &daemon),
                           g_unix_signal_add(SIGINT, on_signal, &daemon)};

  // If this fails, the bus says why.
  gst_element_set_state(daemon.pipeline, GST_STATE_PLAYING);
  g_main_loop_run(daemon.loop);

  for (const guint source : sources)
    g_source_remove(source);
  if (daemon.grace != 0)
    g_source_remove(daemon.grace);
  // What it still has goes back to the primary here.
  gst_element_set_state(daemon.pipeline, GST_STATE_NULL);
  gst_bus_remove_watch(bus);
  gst_object_unref(bus);
  gst_object_unref(daemon.pipeline);
  g_main_loop_unref(daemon.loop);
  return daemon.exit_code;
}
