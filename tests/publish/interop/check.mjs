// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Reads playlists with the parsers of players: check.mjs GOLDEN. All three have to find the same segments.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import HLS from 'hls-parser';
import { Parser } from 'm3u8-parser';
import { parse as parseMpd } from 'mpd-parser';

HLS.setOptions({ strictMode: true });

// The playlists of a golden file by name.
function split(text) {
  const files = new Map();
  for (const part of text.split(/^--- /m).slice(1)) {
    const end = part.indexOf('\n');
    files.set(part.slice(0, end), part.slice(end + 1));
  }
  return files;
}

function withM3u8Parser(text) {
  const parser = new Parser();
  const complaints = [];
  parser.on('warn', (event) => complaints.push(event.message));
  parser.push(text);
  parser.end();
  assert.deepEqual(complaints, []);
  return parser.manifest;
}

const folderOf = (name) => name.slice(0, name.lastIndexOf('/') + 1);
const sum = (list) => list.reduce((total, value) => total + value, 0);

// Seconds and names of the segments, by m3u8-parser; hls-parser finds the same.
function mediaPlaylist(name, text) {
  const one = HLS.parse(text);
  const other = withM3u8Parser(text);
  assert.equal(one.isMasterPlaylist, false, name);
  assert.equal(one.segments.length, other.segments.length, name);
  assert.equal(one.targetDuration, other.targetDuration, name);
  assert.equal(one.mediaSequenceBase, other.mediaSequence, name);
  assert.equal(one.endlist, Boolean(other.endList), name);
  one.segments.forEach((segment, i) => {
    const twin = other.segments[i];
    assert.equal(segment.uri, twin.uri, name);
    assert.equal(segment.duration, twin.duration, name);
    assert.deepEqual(segment.byterange && { ...segment.byterange }, twin.byterange, name);
    assert.ok(Math.round(segment.duration) <= one.targetDuration, `${name}: ${segment.uri} is too long`);
  });
  return { ...other, name, isIFrame: Boolean(one.isIFrame) };
}

function master(files) {
  const text = files.get('master.m3u8');
  const one = HLS.parse(text);
  const other = withM3u8Parser(text);
  assert.equal(one.isMasterPlaylist, true);
  assert.ok(one.independentSegments);
  const variants = one.variants.filter((variant) => !variant.isIFrameOnly);
  assert.deepEqual(variants.map((variant) => variant.uri), other.playlists.map((playlist) => playlist.uri));
  const named = new Set(one.variants.map((variant) => variant.uri));
  for (const variant of one.variants) {
    assert.ok(variant.bandwidth >= variant.averageBandwidth, variant.uri);
    assert.ok(variant.codecs.length > 0, variant.uri);
    for (const rendition of [...variant.audio, ...variant.subtitles])
      named.add(rendition.uri);
  }
  for (const [type, groups] of Object.entries({ audio: other.mediaGroups.AUDIO, subtitles: other.mediaGroups.SUBTITLES }))
    for (const [group, renditions] of Object.entries(groups)) {
      const defaults = Object.values(renditions).filter((rendition) => rendition.default);
      assert.ok(defaults.length <= 1 && (type !== 'audio' || defaults.length === 1), `${group}: one default`);
    }
  for (const uri of named)
    assert.ok(files.has(uri), `the master names ${uri}`);
  return named;
}

// All Representations of the MPD with the segments of all periods, by name.
function representations(text) {
  const complaints = [];
  const manifest = parseMpd(text, {
    manifestUri: 'https://example.org/film/manifest.mpd',
    eventHandler: (event) => complaints.push(event.message),
  });
  const found = new Map();
  const ends = [];
  const add = (playlist) => {
    ends.push(playlist.endList);
    const id = playlist.attributes.NAME;
    found.set(id, (found.get(id) ?? []).concat(playlist.segments));
  };
  manifest.playlists.forEach(add);
  for (const groups of Object.values(manifest.mediaGroups))
    for (const group of Object.values(groups))
      for (const rendition of Object.values(group))
        rendition.playlists.forEach(add);
  return { found, ends, complaints };
}

function compare(hls, dash) {
  const name = hls.name;
  const present = hls.segments.filter((segment, i) => !HLS_GAPS.get(name)?.has(i));
  assert.equal(dash.length, present.length, `${name}: segments`);
  present.forEach((segment, i) => {
    assert.equal(dash[i].resolvedUri, `https://example.org/film/${folderOf(name)}${segment.uri}`);
    assert.ok(Math.abs(dash[i].duration - segment.duration) < 2e-6, `${name}: ${segment.uri}`);
  });
}

const HLS_GAPS = new Map();

// The places of entries without a file, of which m3u8-parser does not tell.
function gaps(text) {
  const found = new Set();
  let entry = 0;
  for (const line of text.split('\n')) {
    if (line === '#EXT-X-GAP')
      found.add(entry);
    else if (line && !line.startsWith('#'))
      ++entry;
  }
  return found;
}

for (const file of readdirSync(process.argv[2]).sort()) {
  const scenario = file.replace('.txt', '');
  const files = split(readFileSync(join(process.argv[2], file), 'utf8'));
  const named = master(files);
  const media = new Map();
  HLS_GAPS.clear();
  for (const [name, text] of files)
    if (name.endsWith('/index.m3u8') || name.endsWith('/iframes.m3u8')) {
      HLS_GAPS.set(name, gaps(text));
      media.set(name, mediaPlaylist(name, text));
      assert.ok(media.get(name).isIFrame === name.endsWith('/iframes.m3u8'), name);
    }
  for (const name of named)
    assert.ok(media.get(name).segments.length > 0, name);
  // Keyframes last as long as the segments that they are of.
  for (const [name, playlist] of media)
    if (playlist.isIFrame) {
      const whole = media.get(`${folderOf(name)}index.m3u8`);
      const present = whole.segments.filter((segment, i) => !HLS_GAPS.get(whole.name).has(i));
      assert.ok(Math.abs(sum(playlist.segments.map((s) => s.duration)) - sum(present.map((s) => s.duration))) < 1e-5, name);
    }
  if (files.has('manifest.mpd')) {
    const { found, ends, complaints } = representations(files.get('manifest.mpd'));
    assert.deepEqual(complaints.filter((text) => !text.includes('ServiceDescription')), []);
    const ended = files.get('manifest.mpd').includes('type="static"');
    assert.ok(ends.length > 0 && ends.every((end) => end === ended));
    for (const [id, segments] of found)
      if (id !== 'thumbnails')
        compare(media.get(`${id}/index.m3u8`), segments);
  }
  console.log(`ok: ${scenario}: ${media.size} media playlists`);
}
