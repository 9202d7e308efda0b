// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Compares gst/record with the JavaScript implementations: check.mjs RECORD_TOOL IPFS_CAR [GST_DIST]. Works in the
// current folder, in which make_job has run if GST_DIST is given.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, readFileSync, writeFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CarReader, CarWriter } from '@ipld/car';
import * as dagCbor from '@ipld/dag-cbor';
import * as dagPb from '@ipld/dag-pb';
import { CID } from 'multiformats/cid';
import * as raw from 'multiformats/codecs/raw';
import { sha256 } from 'multiformats/hashes/sha2';
import { importer } from 'ipfs-unixfs-importer';
import { fixedSize } from 'ipfs-unixfs-importer/chunker';
import { balanced } from 'ipfs-unixfs-importer/layout';

const [tool, ipfsCar, gstDist] = process.argv.slice(2);
const seed = Number(process.env.DIST_RECORD_SEED ?? Date.now() % 1_000_000);
const MiB = 1 << 20;

const run = (...args) => execFileSync(tool, args.map(String), { maxBuffer: 64 * MiB });
const line = (...args) => run(...args).toString().trim();

async function cidOf(code, bytes) {
  return CID.createV1(code, await sha256.digest(bytes));
}

// The blocks of a CAR, each checked against its CID.
async function readCar(path) {
  const reader = await CarReader.fromIterable(createReadStream(path));
  const blocks = new Map();
  for await (const { cid, bytes } of reader.blocks()) {
    assert.ok((await cidOf(cid.code, bytes)).equals(cid), `${cid}: other bytes`);
    blocks.set(cid.toString(), bytes);
  }
  const roots = await reader.getRoots();
  assert.equal(roots.length, 1);
  return { root: roots[0], blocks };
}

async function writeCar(path, root, blocks) {
  const { writer, out } = CarWriter.create([root]);
  const written = pipeline(Readable.from(out), createWriteStream(path));
  for (const block of blocks)
    await writer.put(block);
  await writer.close();
  await written;
}

// What is decoded and encoded again is the same bytes.
function recode(cid, bytes) {
  const again = dagCbor.encode(dagCbor.decode(bytes));
  assert.deepEqual(Buffer.from(again), Buffer.from(bytes), `${cid}: @ipld/dag-cbor encodes it otherwise`);
}

// A value as JavaScript makes it; xorshift.
function randomValues(state) {
  const below = (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
  const pieces = ['a', 'film', 'é', '日本', '\u{1f3ac}', '\0', ' '];
  const text = () => Array.from({ length: below(6) }, () => pieces[below(pieces.length)]).join('');
  const bytes = () => Uint8Array.from({ length: below(below(9) ? 40 : 70_000) }, () => below(256));
  const integer = () => {
    const value = (1n << BigInt(below(64))) + BigInt(below(5)) - 2n;
    return below(2) ? value : -1n - value;
  };
  const value = async (depth) => {
    switch (below(depth ? 10 : 8)) {
      case 0: return null;
      case 1: return below(2) === 0;
      case 2: return below(1000) - 500;
      case 3: return integer();
      case 4: return below(1_000_000) + 0.5;
      case 5: return text();
      case 6: return bytes();
      case 7: return cidOf(below(2) ? raw.code : dagCbor.code, bytes());
      case 8: {
        const list = [];
        for (let i = below(8); i > 0; --i)
          list.push(await value(depth - 1));
        return list;
      }
      default: {
        const map = {};
        for (let i = below(8); i > 0; --i)
          map[text() + i] = await value(depth - 1);
        return map;
      }
    }
  };
  return value;
}

async function valuesOfTheRoom() {
  run('values', seed, 500, 'values.car');
  const { root, blocks } = await readCar('values.car');
  for (const [cid, bytes] of blocks)
    recode(cid, bytes);
  const links = dagCbor.decode(blocks.get(root.toString()));
  for (const link of links)
    assert.ok(blocks.has(link.toString()), `${link} is missing`);
  return `${links.length} values of record_tool`;
}

async function valuesOfJavaScript() {
  const value = randomValues(seed + 1);
  const blocks = [];
  for (let i = 0; i < 500; ++i) {
    const bytes = dagCbor.encode(await value(4));
    blocks.push({ cid: await cidOf(dagCbor.code, bytes), bytes });
  }
  const bytes = dagCbor.encode(blocks.map((block) => block.cid));
  const root = await cidOf(dagCbor.code, bytes);
  blocks.push({ cid: root, bytes });
  await writeCar('javascript.car', root, blocks);
  return line('recode', 'javascript.car') + ' of @ipld/dag-cbor';
}

// Every link of a record leads to a block of the CAR.
async function record() {
  const root = line('record', 'record.car', 'record.bytes');
  const car = await readCar('record.car');
  assert.equal(car.root.toString(), root);
  const visit = (value) => {
    const cid = CID.asCID(value);
    if (cid)
      assert.ok(car.blocks.has(cid.toString()), `${cid} is missing`);
    else if (value && typeof value === 'object' && !(value instanceof Uint8Array))
      Object.values(value).forEach(visit);
  };
  for (const [text, bytes] of car.blocks) {
    if (CID.parse(text).code !== dagCbor.code)
      continue;
    recode(text, bytes);
    visit(dagCbor.decode(bytes));
  }
  const manifest = dagCbor.decode(car.blocks.get(root));
  assert.equal(manifest.format, 'gst-dist manifest');
  assert.deepEqual(manifest.source.streams[0].frame_rate, [30000, 1001]);
  const segments = manifest.segments.flatMap((link) => dagCbor.decode(car.blocks.get(link.toString())));
  assert.equal(segments.length, 12);
  assert.equal(segments[3].encoded[1].frames, 25);
  return `a record of ${car.blocks.size} blocks`;
}

// Every block that the root reaches is in the CAR, and nothing else is; every CID was checked by readCar().
async function job() {
  const car = await readCar('job.car');
  const reached = new Set();
  const visit = (value) => {
    const cid = CID.asCID(value);
    if (cid)
      enter(cid);
    else if (value && typeof value === 'object' && !(value instanceof Uint8Array))
      Object.values(value).forEach(visit);
  };
  const enter = (cid) => {
    const bytes = car.blocks.get(cid.toString());
    assert.ok(bytes, `${cid} is missing`);
    if (reached.has(cid.toString()))
      return;
    reached.add(cid.toString());
    if (cid.code === dagCbor.code)
      recode(cid, bytes);
    if (cid.code !== raw.code)
      visit(cid.code === dagCbor.code ? dagCbor.decode(bytes) : dagPb.decode(bytes));
  };
  enter(car.root);
  assert.equal(reached.size, car.blocks.size);
  const manifest = dagCbor.decode(car.blocks.get(car.root.toString()));
  assert.equal(manifest.format, 'gst-dist manifest');
  assert.deepEqual(Buffer.from(manifest.source.sha256), createHash('sha256').update(readFileSync('film.mp4')).digest());
  const segments = manifest.segments.flatMap((link) => dagCbor.decode(car.blocks.get(link.toString())));
  assert.equal(segments.length, 2);
  const big = manifest.renditions[0];
  assert.ok(big.output.bytes > MiB, `the file has ${big.output.bytes} bytes, too few for a node`);
  execFileSync(process.execPath, [ipfsCar, 'unpack', 'job.car', '--root', big.output.data.toString(), '--output', 'big.mp4']);
  assert.deepEqual(readFileSync('big.mp4'), readFileSync('out/big.mp4'));
  return `the record of a job, ${car.blocks.size} blocks`;
}

async function* pattern(size) {
  for (let at = 0; at < size; at += MiB) {
    const bytes = new Uint8Array(Math.min(MiB, size - at)).fill((at / MiB) & 0xff);
    for (let i = 0; i < Math.min(4, bytes.length); ++i)
      bytes[i] = (at / MiB) >>> (8 * i);
    yield bytes;
  }
}

async function files() {
  const sizes = [0, 1, MiB - 1, MiB, MiB + 1, 3 * MiB, 1024 * MiB, 1024 * MiB + 1];
  const options = {
    cidVersion: 1,
    rawLeaves: true,
    reduceSingleLeafToSelf: true,
    chunker: fixedSize({ chunkSize: MiB }),
    layout: balanced({ maxChildrenPerNode: 1024 }),
  };
  for (const size of sizes) {
    const store = { put: async (cid) => cid };
    let root;
    for await (const entry of importer([{ content: pattern(size) }], store, options))
      root = entry.cid;
    assert.equal(line('cid', size), root.toString(), `a file of ${size} bytes`);
  }
  return `files of ${sizes.join(', ')} bytes`;
}

async function ipfsCarPacks() {
  const content = run('pattern', 3 * MiB + 5);
  writeFileSync('film.bin', content);
  const ipfs = (...args) => execFileSync(process.execPath, [ipfsCar, ...args], { maxBuffer: 64 * MiB });
  ipfs('pack', 'film.bin', '--no-wrap', '--output', 'file.car');
  ipfs('pack', 'film.bin', '--output', 'folder.car');
  const { root } = await readCar('file.car');
  assert.equal(line('verify', 'file.car').split(' ')[0], root.toString());
  assert.equal(line('cid', content.length), root.toString());
  assert.deepEqual(run('cat', 'file.car'), content);
  const folder = await readCar('folder.car');
  assert.equal(line('verify', 'folder.car').split(' ')[1], String(folder.blocks.size));
  if (gstDist)
    for (const car of ['file.car', 'folder.car'])
      assert.match(execFileSync(gstDist, ['record', 'verify', car]).toString(), /it is no job's record/);
  assert.equal(line('pack', 'film.bin', 'packed.car'), root.toString());
  ipfs('unpack', 'packed.car', '--output', 'unpacked.bin');
  assert.deepEqual(readFileSync('unpacked.bin'), content);
  return 'ipfs-car packs and unpacks';
}

console.log(`seed ${seed} (DIST_RECORD_SEED)`);
for (const check of [valuesOfTheRoom, valuesOfJavaScript, record, files, ipfsCarPacks, ...(gstDist ? [job] : [])])
  console.log('ok:', await check());
