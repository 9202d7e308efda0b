// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/remoteenc_properties.h"

#include "gst/lease/verification.h"
#include "gst/picture/picture_check.h"
#include "gst/wire/default_port.h"
#include "plugins/properties.h"

namespace dist {
namespace {

void install_address_properties(GObjectClass* object_class) {
  /**
   * GstRemoteEnc:address:
   *
   * On other than loopback addresses #GstRemoteEnc:secret is needed, or
   * #GstRemoteEnc:allow-anonymous.
   *
   * Since: 0.2
   */
  g_object_class_install_property(
      object_class, PROP_ADDRESS,
      g_param_spec_string(
          "address", "Address",
          "Numeric address to listen on; 0.0.0.0 or :: = all interfaces. With local workers "
          "the element listens only if address or port is set",
          kDefaultAddress, kSetWhenReady));
  /**
   * GstRemoteEnc:port:
   *
   * From PAUSED on this is the port that is really listened on. With #GstRemoteEnc:local-workers
   * nobody listens unless #GstRemoteEnc:address or this is set.
   *
   * Since: 0.2
   */
  g_object_class_install_property(
      object_class, PROP_PORT,
      g_param_spec_uint(
          "port", "Port",
          "TCP port to listen on; 0 = any free one, which can be read back when PAUSED", 0,
          G_MAXUINT16, kDefaultPort, kSetWhenReady));
  /**
   * GstRemoteEnc:secret:
   *
   * What this primary and its workers know; a worker that does not is refused. It is never sent.
   * See also #GstRemoteEnc:secret-file, which keeps it out of the list of processes.
   *
   * Since: 0.2
   */
  g_object_class_install_property(
      object_class, PROP_SECRET,
      g_param_spec_string("secret", "Secret",
                          "Secret shared with the workers; empty: that of secret-file, else of the "
                          "environment variable GST_DIST_SECRET, else none",
                          "", kSecretSetWhenReady));
  /**
   * GstRemoteEnc:secret-file:
   *
   * Since: 0.2
   */
  g_object_class_install_property(
      object_class, PROP_SECRET_FILE,
      g_param_spec_string("secret-file", "Secret file",
                          "File whose first line is the secret shared with the workers", "",
                          kSetWhenReady));
  /**
   * GstRemoteEnc:allow-anonymous:
   *
   * Since: 0.2
   */
  g_object_class_install_property(
      object_class, PROP_ALLOW_ANONYMOUS,
      g_param_spec_boolean(
          "allow-anonymous", "Allow anonymous",
          "Listen beyond loopback without a secret, and accept other users of this "
          "machine: any peer can get the film and send back another one",
          FALSE, kSetWhenReady));
  /**
   * GstRemoteEnc:max-connections-per-address:
   *
   * Since: 0.2
   */
  g_object_class_install_property(
      object_class, PROP_MAX_CONNECTIONS_PER_ADDRESS,
      g_param_spec_uint("max-connections-per-address", "Maximum connections per address",
                        "Connections accepted from one IP address; workers behind one router count "
                        "together",
                        1, G_MAXUINT, kDefaultMaxConnectionsPerAddress, kSetWhenReady));
}

void install_job_properties(GObjectClass* object_class) {
  /**
   * GstRemoteEnc:max-segments:
   *
   * Upstream is blocked while so many segments, from the oldest unfinished one on, are on their
   * way.
   *
   * Since: 0.2
   */
  g_object_class_install_property(
      object_class, PROP_MAX_SEGMENTS,
      g_param_spec_uint(
          "max-segments", "Maximum segments",
          "Segments on their way at a time, counted from the oldest unfinished one; at "
          "least twice the number of workers",
          1, G_MAXUINT, kDefaultMaxSegments, kSetWhenReady));
  /**
   * GstRemoteEnc:max-bytes:
   *
   * Since: 0.2
   */
  g_object_class_install_property(
      object_class, PROP_MAX_BYTES,
      g_param_spec_uint64("max-bytes", "Maximum bytes",
                          "Bytes of segments and results held at a time, half of them for what is "
                          "arriving; one segment is always accepted, however large",
                          1, G_MAXUINT64, kDefaultMaxBytes, kSetWhenReady));
  /**
   * GstRemoteEnc:max-attempts:
   *
   * A segment is given up after so many failed attempts when every worker that is there has failed
   * it, so that broken ones cannot end the job, or after ten times as many.
   *
   * Since: 0.2
   */
  g_object_class_install_property(
      object_class, PROP_MAX_ATTEMPTS,
      g_param_spec_uint("max-attempts", "Maximum attempts",
                        "Failed attempts after which a segment is given up and the pipeline errors",
                        1, G_MAXUINT, kDefaultMaxAttempts, kSetWhenReady));
  /**
   * GstRemoteEnc:deadline-floor:
   *
   * A worker that shows no progress for longer than deadline-floor + deadline-factor times its
   * longest silence so far loses the segment. Elements that share a farm must ask for the same
   * values.
   *
   * Since: 0.2
   */
  g_object_class_install_property(
      object_class, PROP_DEADLINE_FLOOR,
      g_param_spec_uint64("deadline-floor", "Deadline floor",
                          "A worker loses a segment after this time without progress plus "
                          "deadline-factor times its longest silence, in nanoseconds",
                          100 * GST_MSECOND, G_MAXINT64, kDefaultDeadlineFloor, kSetWhenReady));
  /**
   * GstRemoteEnc:deadline-factor:
   *
   * Since: 0.2
   */
  g_object_class_install_property(
      object_class, PROP_DEADLINE_FACTOR,
      g_param_spec_double(
          "deadline-factor", "Deadline factor",
          "Multiple of a worker's longest silence so far that is added to deadline-floor", 1, 1000,
          kDefaultDeadlineFactor, kSetWhenReady));
  /**
   * GstRemoteEnc:stall-timeout:
   *
   * Workers may say for ever that they make progress. A job in which no segment was done for so
   * long, although workers are connected, ends with an error; a warning comes before. Time in which
   * no worker is there, or no room for results, does not count.
   *
   * Since: 0.2
   */
  g_object_class_install_property(
      object_class, PROP_STALL_TIMEOUT,
      g_param_spec_uint64("stall-timeout", "Stall timeout",
                          "Time in which no segment is done, although workers are connected, after "
                          "which the pipeline errors, in nanoseconds; 0: never",
                          0, G_MAXINT64, kDefaultStallTimeout, kSetWhenReady));
  /**
   * GstRemoteEnc:store:
   *
   * Where results are kept: a folder, http(s)://…, s3://BUCKET/PREFIX, or several with commas
   * between them, the fastest first. A segment whose result is there is not leased.
   *
   * Since: 0.3
   */
  g_object_class_install_property(
      object_class, PROP_STORE,
      g_param_spec_string("store", "Store",
                          "Where results are kept and looked for before a segment is leased: a "
                          "folder, http(s)://…, s3://BUCKET/PREFIX; with commas between them a "
                          "chain, the fastest first; empty: nowhere",
                          "", kSetWhenReady));
  /**
   * GstRemoteEnc:store-limit:
   *
   * Bytes that a folder of #GstRemoteEnc:store may hold. Results that were not used for longest go
   * first; those of running jobs stay.
   *
   * Since: 0.3
   */
  g_object_class_install_property(
      object_class, PROP_STORE_LIMIT,
      g_param_spec_uint64("store-limit", "Store limit",
                          "Bytes that each folder of store may hold; 0: no limit", 0, G_MAXUINT64,
                          0, kSetWhenReady));
  /**
   * GstRemoteEnc:mixed-encoders:
   *
   * By default all segments of a rendition must have the same codec configuration. With this only
   * H.264 and H.265 with start codes and parameter sets in each segment are accepted
   * ("h264parse config-interval=-1 ! video/x-h264,stream-format=byte-stream"), from whatever
   * encoder.
   *
   * Since: 0.2
   */
  g_object_class_install_property(
      object_class, PROP_MIXED_ENCODERS,
      g_param_spec_boolean(
          "mixed-encoders", "Mixed encoders",
          "Accept segments of a rendition from different encoders, as long as each "
          "carries its parameter sets in-band",
          FALSE, kSetWhenReady));
  /**
   * GstRemoteEnc:renditions:
   *
   * What shall be made, such as "720p:h264, thumb:jpeg:320x180:fps=1": a name, a codec, and if need
   * be a box to fit the picture in and further fields. Each rendition leaves distjoin through a pad
   * of its name. Workers that adapt to it are #GstRemoteEncWorker.
   *
   * Since: 0.2
   */
  g_object_class_install_property(
      object_class, PROP_RENDITIONS,
      g_param_spec_string("renditions", "Renditions",
                          "What shall be made: name:codec[:WIDTHxHEIGHT][:field=value]…, and more "
                          "of these after commas; empty: whatever the workers make",
                          "", kSetWhenReady));
  /**
   * GstRemoteEnc:ladder:
   *
   * Like #GstRemoteEnc:renditions, but renditions that are larger than the film are left out.
   *
   * Since: 0.2
   */
  g_object_class_install_property(
      object_class, PROP_LADDER,
      g_param_spec_string("ladder", "Ladder",
                          "Name of a built-in ladder (h264, hevc, vp9, av1, mezzanine), or a JSON "
                          "file of renditions; those larger than the film are left out",
                          "", kSetWhenReady));
  /**
   * GstRemoteEnc:local-workers:
   *
   * Workers of this process, which need no network. Without #GstRemoteEnc:renditions and
   * #GstRemoteEnc:ladder there are none, because only workers written by hand know what to make
   * then.
   *
   * Since: 0.2
   */
  g_object_class_install_property(
      object_class, PROP_LOCAL_WORKERS,
      g_param_spec_int("local-workers", "Local workers",
                       "Workers of this process, of one thread each: -1 = one for each core, or "
                       "one less if address or port is set for workers elsewhere; 0 = none",
                       kLocalWorkersByCores, kMaxLocalWorkers, kLocalWorkersByCores,
                       kSetWhenReady));
}

GType verify_type() {
  static const GType type = [] {
    static const GEnumValue values[] = {
        {static_cast<gint>(Verify::kNone), "No results", "none"},
        {static_cast<gint>(Verify::kSample),
         "The first result of each worker, a share of the others (verify-ratio), and all of a "
         "worker "
         "that was wrong",
         "sample"},
        {static_cast<gint>(Verify::kAll), "All results, those of this process too", "all"},
        {0, nullptr, nullptr}};
    return g_enum_register_static("GstRemoteEncVerify", values);
  }();
  return type;
}

void install_verify_properties(GObjectClass* object_class) {
  /**
   * GstRemoteEnc:verify:
   *
   * Of which results some frames are decoded here and compared with those of the source, before
   * they count. A worker's pipeline that changes the picture on purpose needs "none".
   *
   * Since: 0.2
   */
  g_object_class_install_property(
      object_class, PROP_VERIFY,
      g_param_spec_enum("verify", "Verify",
                        "Results whose pictures are compared with the source's before they count",
                        verify_type(), static_cast<gint>(Verify::kSample), kSetWhenReady));
  /**
   * GstRemoteEnc:verify-ratio:
   *
   * Since: 0.2
   */
  g_object_class_install_property(
      object_class, PROP_VERIFY_RATIO,
      g_param_spec_double("verify-ratio", "Verify ratio",
                          "With verify=sample, share of the results that is compared besides the "
                          "first of each worker",
                          0, 1, kDefaultVerifyRatio, kSetWhenReady));
  /**
   * GstRemoteEnc:verify-threshold:
   *
   * Since: 0.2
   */
  g_object_class_install_property(
      object_class, PROP_VERIFY_THRESHOLD,
      g_param_spec_uint("verify-threshold", "Verify threshold",
                        "Bits of 256 in which the visual hashes of the same picture may differ", 0,
                        256, kSameHashDistance, kSetWhenReady));
  /**
   * GstRemoteEnc:verify-folder:
   *
   * Since: 0.2
   */
  g_object_class_install_property(
      object_class, PROP_VERIFY_FOLDER,
      g_param_spec_string(
          "verify-folder", "Verify folder",
          "Folder for evidence when pictures differ: the pictures of source and result, and a "
          "JSON file; made if it is missing; empty = none is kept",
          "", kSetWhenReady));
  /**
   * GstRemoteEnc:verify-golden:
   *
   * Whether a worker first gets a segment whose answer is known, when it connects and after each
   * suspension. Its answer is looked at in whole and thrown away, and until it is right the worker
   * gets nothing else.
   *
   * Since: 0.2
   */
  g_object_class_install_property(
      object_class, PROP_VERIFY_GOLDEN,
      g_param_spec_boolean(
          "verify-golden", "Verify golden",
          "Examine each worker that connects or was suspended with a segment whose "
          "answer is known",
          FALSE, kSetWhenReady));
}

}  // namespace

namespace {

void install_stats(GObjectClass* object_class) {
  /**
   * GstRemoteEnc:stats:
   *
   * Times in nanoseconds of film: "submitted", of all segments so far, which are all if "whole" is
   * true; "open", how many of them are not done, "done", of the others, and "begun" and
   * "begun-frames", what of the open ones went through workers. "decoding" is how many times a
   * frame is decoded, on average, because a GOP is cut inside. Nothing before PAUSED.
   *
   * Since: 0.2
   */
  g_object_class_install_property(
      object_class, PROP_STATS,
      g_param_spec_boxed(
          "stats", "Stats",
          "Nanoseconds of film submitted, open and begun, and how often a frame is decoded",
          GST_TYPE_STRUCTURE, GParamFlags(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
}

}  // namespace

void install_remote_enc_properties(GObjectClass* object_class) {
  install_address_properties(object_class);
  install_job_properties(object_class);
  install_verify_properties(object_class);
  install_stats(object_class);
}

}  // namespace dist
