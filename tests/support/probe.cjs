// Prints what Node finds when the code of a package, and of all that it reaches, requires its dependencies.
//
//   node probe.cjs FOLDER '["name", ...]'
//
// FOLDER is the package, the names are the ones taken for its own edges; every other package's are its dependencies,
// its optionalDependencies, and of its bundle what its own node_modules hold, or a source directory finds. The answer is JSON: `edges` and `peers` map "identity name" to the identities found (more
// than one when copies of a package do not agree), "absent" being that nothing was; `places` maps each identity to
// the number of folders that it was found in. An identity is name@version and a digest of the code that is loaded.
'use strict'

const { createHash } = require('node:crypto')
const { existsSync, readFileSync, realpathSync } = require('node:fs')
const { createRequire } = require('node:module')
const { join } = require('node:path')

const [folder, names] = process.argv.slice(2)
const start = realpathSync(folder)

const read = at => JSON.parse(readFileSync(join(at, 'package.json'), 'utf8'))

const identity = at => {
  const { name, version } = read(at)
  let digest = 'no code'
  try {
    const main = createRequire(join(at, 'noop.js')).resolve(at)
    digest = createHash('sha256').update(readFileSync(main)).digest('hex').slice(0, 8)
  } catch {}
  return `${name}@${version} ${digest}`
}

const find = (at, name) => {
  // Asking for the folders to search gives Node's own list, without the code being run or an "exports" in the way.
  const searched = createRequire(join(at, 'noop.js')).resolve.paths('a-name-that-is-not-built-in')
  const hit = searched.map(each => join(each, name)).find(each => existsSync(join(each, 'package.json')))
  return hit && realpathSync(hit)
}

const brought = at => {
  const { bundleDependencies, bundledDependencies } = read(at)
  const listed = [bundleDependencies ?? bundledDependencies ?? []].flat()
  const isSource = !at.split('/').includes('node_modules')
  return listed.filter(name => existsSync(join(at, 'node_modules', String(name), 'package.json')) ||
    (isSource && find(at, String(name))))
}

const asked = at => at === start
  ? { wanted: JSON.parse(names), peers: [] }
  : {
      wanted: [...new Set([...Object.keys({ ...read(at).dependencies, ...read(at).optionalDependencies }), ...brought(at)])],
      peers: Object.keys({ ...read(at).peerDependencies })
    }

const note = (answers, key, found) => {
  const answer = found ? identity(found) : 'absent'
  answers[key] = [...new Set([...answers[key] ?? [], answer])].sort()
}

const edges = {}
const peerEdges = {}
const places = {}
const queue = [start]
for (let next = 0; next < queue.length; next++) {
  const at = queue[next]
  const me = identity(at)
  places[me] = (places[me] ?? 0) + 1
  const { wanted, peers } = asked(at)
  for (const name of wanted) {
    const found = find(at, name)
    note(edges, `${me} ${name}`, found)
    if (found && !queue.includes(found)) queue.push(found)
  }
  // A peer is found, never followed: it belongs to whoever supplies it.
  for (const name of peers) note(peerEdges, `${me} ${name}`, find(at, name))
}
process.stdout.write(JSON.stringify({ edges, peers: peerEdges, places }))
