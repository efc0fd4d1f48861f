// What each file of a list (JSON on stdin) loads, by acorn, the parser that Node itself carries:
// [[specifier, line, kind, guarded, lazy, certain], …] in the order of the source, or null where it cannot be parsed.
// Run with --expose-internals.
const fs = require('fs')
const acorn = require('internal/deps/acorn/acorn/dist/acorn')

const parse = (text) => {
  const options = { ecmaVersion: 'latest', allowHashBang: true, allowReturnOutsideFunction: true, locations: true,
    allowAwaitOutsideFunction: true, allowImportExportEverywhere: true, allowSuperOutsideMethod: true, preserveParens: true }
  for (const sourceType of ['module', 'script']) {
    try { return acorn.parse(text, { ...options, sourceType }) } catch {}
  }
  return null
}

const text = (node) => node?.type === 'Literal' && typeof node.value === 'string' ? node.raw.slice(1, -1)
  : node?.type === 'TemplateLiteral' && !node.expressions.length ? node.quasis[0].value.raw : null

const named = (node, name) => node?.type === 'Identifier' && node.name === name
const member = (node, name) => node?.type === 'MemberExpression' && !node.computed && named(node.property, name)

const kindOf = (callee) => {
  if (named(callee, 'require')) return 'require'
  if (member(callee, 'require') && named(callee.object, 'module')) return 'require'
  if (!member(callee, 'resolve')) return null
  if (named(callee.object, 'require')) return 'resolve'
  if (callee.object.type === 'MetaProperty') return 'resolve'
  return null
}

const reads = (source) => {
  const tree = parse(source)
  if (!tree) return null
  const found = []
  let own = false
  let plain = 0 // how many of the nodes around may skip what is in them
  let ended = false // whether a return or throw came outside of functions
  const note = (node, specifier, kind, guarded, lazy) => specifier !== null && found.push([node.start, specifier,
    node.loc.start.line, kind, guarded, lazy, ['import', 'export'].includes(kind) || (!plain && !ended)])
  const visit = (node, guarded, hidden, lazy, caught) => {
    if (Array.isArray(node)) return node.forEach((each) => visit(each, guarded, hidden, lazy))
    ended = ended || (/^(Return|Throw)Statement$/.test(node?.type) && !lazy)
    look(node, guarded, hidden, lazy, caught)
  }
  // True if the part of node at key may not run though node does.
  const skips = (node, key) => /^(If|For\w*|While|DoWhile|Switch|Try|With|Labeled)Statement$|Function/.test(node.type)
    || (/^(Conditional|Logical)Expression$/.test(node.type) && !['test', 'left'].includes(key))
    || (node.type === 'AssignmentExpression' && ['&&=', '||=', '??='].includes(node.operator))
  const look = (node, guarded, hidden, lazy, caught) => {
    if (!node || typeof node.type !== 'string') return
    if (/Function/.test(node.type)) {
      lazy = true
      if (node.params.some((each) => named(each.type === 'AssignmentPattern' ? each.left : each, 'require'))) {
        hidden = node.body.type === 'BlockStatement'
      }
      if (named(node.id, 'require')) own = true
    }
    if (node.type === 'VariableDeclarator' && named(node.id, 'require') && node.init) {
      own = own || !/createRequire|import\.meta|module\.require/.test(source.slice(node.init.start, node.init.start + 200))
    }
    if (node.source && /^(Import|Export)\w*Declaration$/.test(node.type)) {
      note(node.source, text(node.source), node.type.startsWith('Import') ? 'import' : 'export', guarded, lazy)
    } else if (node.type === 'ImportExpression') {
      note(node.source, text(node.source), 'dynamic', guarded || !!caught, lazy)
    } else if (node.type === 'CallExpression') {
      const kind = kindOf(node.callee)
      const meta = node.callee.object?.type === 'MetaProperty'
      if (kind && (!hidden || meta)) {
        note(node.arguments[0] ?? node, text(node.arguments[0]), kind, guarded, lazy)
      }
    }
    const isCatch = node.type === 'CallExpression' && member(node.callee, 'catch')
    for (const [key, value] of Object.entries(node)) {
      if (!value || typeof value !== 'object' || key === 'loc') continue
      plain += skips(node, key)
      if (isCatch && key === 'callee') visit(value.object, guarded, hidden, lazy, true)
      else visit(value, guarded || (node.type === 'TryStatement' && key === 'block'), hidden, lazy)
      plain -= skips(node, key)
    }
  }
  visit(tree, false, false, false)
  found.sort((one, other) => one[0] - other[0])
  return found.filter(([, , , kind]) => !own || !['require', 'resolve'].includes(kind)).map((each) => each.slice(1))
}

const paths = JSON.parse(fs.readFileSync(0, 'utf8'))
process.stdout.write(JSON.stringify(paths.map((path) => reads(fs.readFileSync(path, 'utf8').replace(/^\ufeff/, '')))))
