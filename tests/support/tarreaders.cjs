// Reads tarballs as the real installers do, in one process, and says what each would put on the disk.
//
//   node tarreaders.cjs NPM_ROOT READERS_ROOT...
//
// Standard input: batches, each a 4-byte count, then for each tarball a 4-byte length and its bytes (big endian).
// Standard output: one line of JSON a batch: for each tarball an object, reader to {files: {path: "mode digest"}} or
// {error: message}. Paths are below the package's folder; mode is "x" or "-".
// Nothing is written to the disk. Where an installer's own code writes, it is given a pretended disk.
'use strict';
const crypto = require('node:crypto');
const path = require('node:path');
const zlib = require('node:zlib');

const [npmRoot, ...roots] = process.argv.slice(2);
const find = (name, places, file = '') => {
  for (const place of places) {
    try {
      const main = require.resolve(name, { paths: [place] });
      return require(file ? path.join(path.dirname(main), file) : main);
    } catch (error) {
      if (error.code !== 'MODULE_NOT_FOUND') throw error;
    }
  }
  return undefined;
};
const digest = (bytes) => crypto.createHash('sha1').update(bytes).digest('hex').slice(0, 16);
const row = (mode, bytes) => `${(mode & 0o111) !== 0 ? 'x' : '-'} ${digest(bytes)}`;

// pacote's #tarxOptions and #entryMode (lib/fetcher.js, pacote 21).
const pacoteOptions = () => {
  const sawIgnores = new Set();
  return {
    cwd: '/pretended',
    noChmod: true,
    noMtime: true,
    strip: 1,
    umask: 0o22,
    preserveOwner: false,
    onwarn: () => {},
    filter: (name, entry) => {
      if (/Link$/.test(entry.type)) return false;
      const least = /Directory|GNUDumpDir/.test(entry.type) ? 0o777 : /File$/.test(entry.type) ? 0o666 : 0;
      entry.mode = ((entry.mode | least) & ~0o22) | 0o600;
      if (/File$/.test(entry.type)) {
        const base = path.basename(entry.path);
        if (base === '.npmignore') sawIgnores.add(entry.path);
        else if (base === '.gitignore') {
          const other = entry.path.replace(/\.gitignore$/, '.npmignore');
          if (sawIgnores.has(other)) return false;
          entry.path = other;
        }
        return true;
      }
      return undefined;
    },
  };
};

const pieces = (raw, size) => {
  const found = [];
  for (let at = 0; at < raw.length; at += size) found.push(raw.subarray(at, at + size));
  return found;
};

// node-tar's own Unpack, whose step on the disk is replaced; *size* is that of the pieces in which the tarball comes.
const nodeTar = (tar, size) => {
  const base = tar.Unpack;
  const step = Object.getOwnPropertySymbols(base.prototype).find((each) => each.description === 'checkFs');
  return (raw) =>
    new Promise((resolve) => {
      const files = new Map();
      const options = pacoteOptions();
      const unpack = new base(options);
      unpack[step] = function checkFs(entry) {
        const below = entry.absolute.slice('/pretended/'.length);
        if (/^(Old|Contiguous)?File$/.test(entry.type)) {
          const held = [];
          entry.on('data', (piece) => held.push(Buffer.from(piece)));
          entry.on('end', () => files.set(below, row(entry.mode, Buffer.concat(held))));
        }
        entry.resume();
      };
      unpack.on('error', (error) => resolve({ error: String(error.message) }));
      unpack.on('end', () => resolve({ files: Object.fromEntries(files) }));
      for (const piece of pieces(raw, size || raw.length || 1)) unpack.write(piece);
      unpack.end();
    });
};

// yarn 4: its own extractArchiveTo, with a pretended disk that refuses what its zip archives refuse.
const berry = (core) => async (raw) => {
  const files = new Map();
  const folders = new Set(['.', '/', '']);
  const fs = {
    mkdirpSync(at) {
      for (let each = at; each !== '.' && each !== '/' && each !== ''; each = path.posix.dirname(each)) {
        if (files.has(each)) throw new Error(`ENOTDIR: ${each}`);
        folders.add(each);
      }
    },
    mkdirSync(at) {
      if (folders.has(at) || files.has(at)) throw new Error(`EEXIST: ${at}`);
      folders.add(at);
    },
    writeFileSync(at, bytes, { mode }) {
      if (folders.has(at)) throw new Error(`EISDIR: ${at}`);
      files.set(at, row(mode, bytes));
    },
    symlinkSync() {},
    utimesSync() {},
    lutimesSync() {},
  };
  await core.tgzUtils.extractArchiveTo(raw, fs, { stripComponents: 1, prefixPath: '.' });
  return { files: Object.fromEntries(files) };
};

// yarn 1: tar-fs 1 over tar-stream 1, as its tarball-fetcher calls it; only the disk is left out.
const tarStream = (module) => (raw) =>
  new Promise((resolve) => {
    const files = new Map();
    const extract = module.extract();
    let over = false;
    const end = (answer) => {
      if (!over) resolve(answer);
      over = true;
    };
    extract.on('error', (error) => end({ error: String(error.message) }));
    extract.on('entry', (header, stream, next) => {
      const stripped = header.name.split('/').slice(1).join('/');
      const below = path.posix.join('/', stripped).slice(1);
      const held = [];
      stream.on('data', (piece) => held.push(Buffer.from(piece)));
      stream.on('error', (error) => end({ error: String(error.message) }));
      stream.on('end', () => {
        const kept = header.type === 'file' || header.type === 'contiguous-file';
        if (kept) files.set(below, row(header.mode, Buffer.concat(held)));
        next();
      });
      stream.resume();
    });
    extract.on('finish', () => end({ files: Object.fromEntries(files) }));
    extract.on('close', () => end({ error: 'closed early' }));
    try {
      extract.end(zlib.gunzipSync(raw));
    } catch (error) {
      end({ error: String(error.message) });
    }
  });

// pnpm 8 to 11.
const pnpm = (module) => async (raw) => {
  const files = {};
  const add = (bytes, mode) => ({ row: row(mode, bytes) });
  const { filesIndex } = module.addFilesFromTarball(add, null, raw, false);
  for (const [name, about] of Object.entries(filesIndex)) files[name] = about.row;
  return { files };
};

// pnpm 12: Rust's tar, with what pnpm does to each entry (crates/tarball/src/extract.rs).
const tarRs = (module) => async (raw) => {
  const files = {};
  for (const entry of new module.Archive(zlib.gunzipSync(raw)).entries()) {
    const header = entry.header();
    if (header.entryType() !== module.EntryType.Regular) continue;
    const mode = header.mode();
    const size = Number(header.size());
    const name = entry.path();
    const bytes = entry.asBytes();
    if (bytes.length !== size) throw new Error(`${name}: two sizes`);
    if (/^[/\\]/.test(name)) throw new Error('absolute');
    let parts = name.split(/[/\\]/).filter((part, at) => part !== '' && (part !== '.' || at === 0));
    if (parts.includes('..')) throw new Error('traversal');
    if (parts.length > 1) parts = parts.slice(1);
    files[parts.join('/')] = row(mode, bytes);
  }
  return { files };
};

const npmPlaces = [npmRoot];
const readers = {};
const add = (name, make, module) => {
  if (module) readers[name] = make(module);
};
add('npm', (tar) => nodeTar(tar, 0), find('tar', npmPlaces));
add('npm in pieces', (tar) => nodeTar(tar, 61), find('tar', npmPlaces));
add('npm 10', (tar) => nodeTar(tar, 0), find('tar6', roots));
add('npm 6', (tar) => nodeTar(tar, 0), find('tar4', roots));
add('yarn 4', berry, find('@yarnpkg/core', roots));
add('yarn 1', tarStream, find('tar-stream1', roots));
add('tar-stream', tarStream, find('tar-stream', roots));
add('pnpm 10', pnpm, find('store.cafs', roots, 'addFilesFromTarball.js'));
add('pnpm 12', tarRs, find('@napi-rs/tar', roots));

const within = (promise) => {
  let timer;
  const late = new Promise((resolve) => {
    timer = setTimeout(() => resolve({ error: 'no answer' }), 5000);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
};

const answer = async (raw) => {
  const said = {};
  for (const [name, read] of Object.entries(readers)) {
    try {
      said[name] = await within(Promise.resolve(read(raw)).catch((error) => ({ error: String(error.message) })));
    } catch (error) {
      said[name] = { error: String(error.message) };
    }
  }
  return said;
};

const main = async () => {
  process.stdout.write(`${JSON.stringify(Object.keys(readers))}\n`);
  let held = Buffer.alloc(0);
  const source = process.stdin[Symbol.asyncIterator]();
  const take = async (size) => {
    const parts = [held];
    let length = held.length;
    while (length < size) {
      const { value, done } = await source.next();
      if (done) return undefined;
      parts.push(value);
      length += value.length;
    }
    const all = Buffer.concat(parts);
    held = all.subarray(size);
    return all.subarray(0, size);
  };
  for (;;) {
    const head = await take(4);
    if (head === undefined) return;
    const answers = [];
    const batch = [];
    for (let left = head.readUInt32BE(0); left > 0; left -= 1) {
      const size = (await take(4)).readUInt32BE(0);
      batch.push(await take(size));
    }
    for (const raw of batch) answers.push(await answer(raw));
    process.stdout.write(`${JSON.stringify(answers)}\n`);
  }
};

process.on('uncaughtException', () => {});
main();
