// Measures node's root collation, by comparing strings, and prints it as JSON: the facts that
// make_collation.py packs into linkpack/npm/collation.dat. Nothing is looked up; every weight is a place in an order.
//
//   node collation_table.mjs [contractions.json] > facts.json
//
// The full search for contractions tries every pair of characters and takes about four minutes; it is skipped
// when a file with its result (the "contractions" of an earlier facts.json) is named.
//
// Words: a *unit* is a code point without canonical decomposition, or a contraction. A *leader* is the lowest unit
// of one primary weight; its place in the order of leaders, from 1, is its rank. A unit's elements are
// [rank or 0, accent, shape, case]: accent 0 is common, 1.. are marks in order, PRIVATE.. belong to one leader;
// shape and case are places among the units with the same rank and accent, in steps of STEP, so that other numbers
// lie between two units.
import fs from 'node:fs'

const collator = (sensitivity, numeric = false) => new Intl.Collator('en', { sensitivity, numeric }).compare
const base = collator('base')
const accent = collator('accent')
const caseLevel = collator('case')
const variant = collator('variant')
const numericBase = collator('base', true)

const GAP = '\u0001' // ignorable: keeps neighbours from contracting or changing places
const TOP = '\uffff' // the highest primary weight
const PRIVATE = 300
const ABOVE = PRIVATE - 1 // stands for an accent above every mark
const STEP = 8
const LAST = 0x10ffff
const notes = []

const isSurrogate = (code) => code >= 0xd800 && code < 0xe000
const codes = function * (last = LAST) {
  for (let code = 0; code <= last; code++) if (!isSurrogate(code)) yield code
}
const join = (parts) => parts.join(GAP)
const hex = (text) => [...text].map((char) => char.codePointAt(0).toString(16)).join('+')
const note = (what, text) => notes.push(`${what}: ${hex(text)}`)

/** The last index whose string is not above *text*, or -1; *at* gives the string of an index, in rising order. */
function lastNotAbove (text, count, at, compare) {
  let low = -1
  let high = count
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (compare(text, at(middle)) >= 0) low = middle
    else high = middle
  }
  return low
}

function normalisation () {
  const decompositions = {}
  const marks = []
  for (const code of codes()) {
    const char = String.fromCodePoint(code)
    const plain = char.normalize('NFD')
    if (plain === char) {
      // U+0345 has the highest combining class and U+0334 the lowest: one of them moves over any other mark.
      const moves = [`\u0345${char}`, `${char}\u0334`].some((pair) => pair.normalize('NFD') !== pair)
      if (moves) marks.push(char)
    } else if (code < 0xac00 || code > 0xd7a3) decompositions[char] = plain
  }
  const order = (a, b) => (a + b).normalize('NFD') !== a + b ? 1 : (b + a).normalize('NFD') !== b + a ? -1 : 0
  marks.sort(order)
  const classes = []
  for (const char of marks) {
    const last = classes.at(-1)
    if (last && order(String.fromCodePoint(last.codePointAt(0)), char) === 0) classes[classes.length - 1] += char
    else classes.push(char)
  }
  return { decompositions, classes }
}

/** Code points that can take part in contractions: assigned, and not one of many thousand ideographs. */
function contractible () {
  const found = []
  for (const code of codes()) {
    const char = String.fromCodePoint(code)
    if (!/\p{Assigned}/u.test(char) || /\p{Co}|\p{Ideographic}|\p{Noncharacter_Code_Point}/u.test(char)) continue
    if (char.normalize('NFD') === char && variant(char, '') !== 0) found.push(char)
  }
  return found
}

function findContractions (isMark) {
  const chars = contractible()
  const marks = chars.filter(isMark)
  const starters = chars.filter((char) => !isMark(char))
  const found = []
  const scan = (first, seconds, low, high) => {
    let tight = ''
    let loose = ''
    for (let i = low; i < high; i++) {
      tight += first + seconds[i] + GAP
      loose += first + GAP + seconds[i] + GAP
    }
    if (variant(tight, loose) === 0) return
    if (high - low === 1) return found.push(first + seconds[low])
    scan(first, seconds, low, (low + high) >> 1)
    scan(first, seconds, (low + high) >> 1, high)
  }
  const scanAll = (first, seconds) => {
    for (let i = 0; i < seconds.length; i += 4096) scan(first, seconds, i, Math.min(i + 4096, seconds.length))
  }
  for (const first of starters) scanAll(first, chars)
  for (const first of marks) {
    scanAll(first, starters)
    for (const second of marks) {
      const pair = first + second
      if (pair.normalize('NFD') === pair && variant(pair, first + GAP + second) !== 0) found.push(pair)
    }
  }
  return found.concat(findTriples(found, chars))
}

/** Contractions of three: any first of a pair with any two characters of its surroundings. */
function findTriples (pairs, chars) {
  const found = []
  for (const first of new Set(pairs.map((pair) => [...pair][0]))) {
    const code = first.codePointAt(0)
    const near = chars.filter((char) => Math.abs(char.codePointAt(0) - code) < 256)
    for (const second of near) {
      for (const third of near) {
        const text = first + second + third
        if (text.normalize('NFD') !== text || variant(text, join([first, second + third])) === 0) continue
        if (variant(text, join([first + second, third])) === 0) continue
        // Where a mark between is merely skipped, the pair explains it.
        if (variant(text, join([first + third, second])) === 0) continue
        found.push(text)
      }
    }
  }
  return found
}

function sortUnits (contractions) {
  const ignorable = []
  const marks = []
  const units = [...contractions]
  for (const code of codes()) {
    const char = String.fromCodePoint(code)
    if (char.normalize('NFD') !== char) continue
    if (variant(char, '') === 0) ignorable.push(char)
    else if (base(char, '') === 0) marks.push(char)
    else units.push(char)
  }
  const bySize = (a, b) => [...a].length - [...b].length || a.codePointAt(0) - b.codePointAt(0)
  units.sort((a, b) => base(a, b) || variant(a, b) || bySize(a, b))
  return { ignorable, marks, units: units.filter((unit) => base(unit, '') !== 0) }
}

/** Leaders in order, with the units that share their weight; the other units begin with some leader's weight. */
function findLeaders (units) {
  const leaders = []
  const groups = []
  const expansions = []
  for (const unit of units) {
    const last = leaders.at(-1)
    if (last !== undefined && base(unit, last) === 0) groups[groups.length - 1].push(unit)
    else if (last !== undefined && base(unit, last + TOP) < 0) expansions.push(unit)
    else {
      leaders.push(unit)
      groups.push([unit])
    }
  }
  return { leaders, groups, expansions }
}

/** The ranks whose leaders, one after another, have the primary weights of *unit*. */
function primaries (unit, leaders) {
  const ranks = []
  let text = ''
  while (base(unit, text) !== 0) {
    const index = lastNotAbove(unit, leaders.length, (i) => text + leaders[i], base)
    if (index < 0 || ranks.length > 30) throw new Error(`no primary weights for ${hex(unit)}`)
    ranks.push(index + 1)
    text += leaders[index] + GAP
  }
  return ranks
}

/** Marks by their accent weight: the leaders of that level, each with its equals, and what is made of several. */
function findAccents (marks) {
  marks.sort((a, b) => accent(a, b) || variant(a, b) || a.codePointAt(0) - b.codePointAt(0))
  const top = marks.at(-1)
  const leaders = []
  const elements = new Map()
  const made = []
  for (const mark of marks) {
    const last = leaders.at(-1)
    if (last !== undefined && accent(mark, last) === 0) elements.set(mark, [[0, leaders.length, 0, 0]])
    else if (last !== undefined && accent(mark, top) < 0 && accent(mark, last + GAP + top) <= 0) made.push(mark)
    else {
      leaders.push(mark)
      elements.set(mark, [[0, leaders.length, 0, 0]])
    }
  }
  for (const mark of made) elements.set(mark, accentsAfter('', mark, leaders).map((rank) => [0, rank, 0, 0]))
  return { leaders, elements }
}

/** The accent ranks that must follow *text* to equal *unit*; ABOVE for one above every mark. */
function accentsAfter (text, unit, leaders) {
  const ranks = []
  let grown = text
  while (accent(unit, grown) !== 0) {
    const index = lastNotAbove(unit, leaders.length, (i) => grown + GAP + leaders[i], accent)
    const next = grown + GAP + leaders[index]
    if (index < 0 || ranks.length > 5) throw new Error(`no accents for ${hex(unit)}`)
    if (accent(unit, next) !== 0 && accent(unit, next + GAP + leaders.at(-1)) > 0) return [...ranks, ABOVE]
    ranks.push(index + 1)
    grown = next
  }
  return ranks
}

/**
 * Gives the units of one leader their ranks and accents; the first unit is the leader. An accent above every mark
 * belongs to this leader only, and is numbered by its order among the leader's units.
 */
function accentGroup (rank, group, accents, elements) {
  group.sort((a, b) => variant(a, b) || [...a].length - [...b].length || a.codePointAt(0) - b.codePointAt(0))
  const leader = group[0]
  let last = leader
  let own = PRIVATE
  for (const unit of group) {
    const marks = accentsAfter(leader, unit, accents)
    if (marks.at(-1) === ABOVE) {
      if (marks.length > 1 || accent(unit, accents.at(-1) + GAP + leader) > 0) note('unknown accents', unit)
      if (accent(unit, last) !== 0) own += 2
      marks[0] = own
      last = unit
    }
    elements.set(unit, [[rank, 0, 0, 0], ...marks.map((mark) => [0, mark, 0, 0])])
  }
}

const copy = (list) => list.map((element) => [...element])

/** Elements of a unit with several primary weights: those of its compatibility form where that is equal. */
function expand (unit, ranks, leaders, accents, elements) {
  const plain = ranks.map((rank) => [rank, 0, 0, 0])
  if (accent(unit, join(ranks.map((rank) => leaders[rank - 1]))) === 0) return plain
  const parts = [...unit.normalize('NFKD')]
  if (accent(unit, join(parts)) === 0 && parts.every((part) => elements.has(part))) {
    return parts.flatMap((part) => copy(elements.get(part)))
  }
  return insertAccent(unit, ranks, leaders, accents, elements)
}

/** Elements of a unit with several primary weights and one uncommon accent weight. */
function insertAccent (unit, ranks, leaders, accents, elements) {
  const texts = ranks.map((rank) => leaders[rank - 1])
  const plain = ranks.map((rank) => [rank, 0, 0, 0])
  const withMark = (at, mark) => join([...texts.slice(0, at), mark, ...texts.slice(at)])
  let at = texts.length
  while (at >= 0 && accent(unit, withMark(at, accents.at(-1))) > 0) at--
  const index = lastNotAbove(unit, accents.length, (i) => withMark(at, accents[i]), accent)
  if (at >= 0 && index >= 0 && accent(unit, withMark(at, accents[index])) === 0) {
    return [...plain.slice(0, at), [0, index + 1, 0, 0], ...plain.slice(at)]
  }
  if (at < 0 || index >= 0) note('unknown accents', unit)
  // Above every mark, one place later: among the leader's own accents.
  const own = [...elements].filter(([, list]) => list.length === 2 && list[0][0] === ranks[at] && list[1][1] >= PRIVATE)
  own.sort(([a], [b]) => accent(a, b) || variant(a, b))
  const withOwn = (i) => join([...texts.slice(0, at), own[i][0], ...texts.slice(at + 1)])
  const below = lastNotAbove(unit, own.length, withOwn, accent)
  const mark = below < 0 ? PRIVATE : own[below][1][1][1]
  const equal = below >= 0 && accent(unit, withOwn(below)) === 0
  return [...plain.slice(0, at + 1), [0, mark + (equal ? 0 : 1), 0, 0], ...plain.slice(at + 1)]
}

/**
 * Units that stand for one place (rank and accent) in each of their shapes, lowest first: by place, a list of lists.
 * *slot* is where the element keeps its place in this order.
 */
function orderShapes (elements, place, compare, slot) {
  const places = new Map()
  for (const [unit, list] of elements) {
    if (list.length !== 1) continue
    const key = place(list[0])
    if (key === null) continue
    if (!places.has(key)) places.set(key, [])
    places.get(key).push(unit)
  }
  for (const [key, units] of places) {
    units.sort((a, b) => compare(a, b) || variant(a, b) || a.codePointAt(0) - b.codePointAt(0))
    const shapes = []
    for (const unit of units) {
      if (shapes.length === 0 || compare(unit, shapes.at(-1)) !== 0) shapes.push(unit)
      elements.get(unit)[0][slot] = STEP * (shapes.length - 1)
    }
    places.set(key, shapes)
  }
  return places
}

/** Sets *slot* in every element of a unit with several: equal to a known shape, or between two of them. */
function placeShapes (unit, list, known, hints, compare, slot) {
  let before = ''
  for (let i = 0; i < list.length; i++) {
    const rest = list.slice(i + 1).map((element) => known(element))
    const low = GAP + join(rest.map((shapes) => shapes[0]))
    const high = GAP + join(rest.map((shapes) => shapes.at(-1)))
    const shapes = known(list[i])
    const index = lastNotAbove(unit, shapes.length, (j) => before + shapes[j] + low, compare)
    const equal = index >= 0 && compare(unit, before + shapes[index] + high) <= 0
    list[i][slot] = STEP * index + (equal ? 0 : 1)
    if (!equal) {
      // What follows cannot be told apart by single characters: take the same step from the compatibility form.
      for (let j = i + 1; j < list.length; j++) list[j][slot] = hints[j] === undefined ? 1 : hints[j] - hints[j] % STEP + 1
      return
    }
    before += shapes[index] + GAP
  }
}

function shapeAll (elements, leaders, accents) {
  const isPrimary = (element) => element[0] > 0
  const text = ([rank, mark]) => rank > 0 ? leaders[rank - 1] : accents[Math.min(mark, accents.length) - 1]
  const levels = [
    { slot: 2, compare: variant, place: (element) => `${element[0]} ${element[1]}`, keep: () => true },
    { slot: 3, compare: caseLevel, place: (element) => element[0] > 0 ? element[0] : null, keep: isPrimary }
  ]
  for (const { slot, compare, place, keep } of levels) {
    const places = orderShapes(elements, place, compare, slot)
    const known = (element) => places.get(place(element)) ?? [text(element)]
    const unseen = (element) => element[1] >= PRIVATE
    if (slot === 2) orderUnseen(elements, unseen)
    for (const [unit, all] of elements) {
      const list = all.filter(keep)
      if (all.length < 2 || list.length === 0 || (slot === 2 && all.some(unseen))) continue
      const parts = [...unit.normalize('NFKD')].flatMap((part) => elements.get(part) ?? [])
      const hints = parts.filter(keep).map((element) => element[slot])
      placeShapes(unit, list, known, hints, compare, slot)
    }
    raiseShapes(elements, place, slot)
    splitAlike(elements, keep, compare, slot)
  }
}

/** Units with an accent weight that no single unit has can only equal each other up to shape: order them directly. */
function orderUnseen (elements, unseen) {
  const alike = new Map()
  for (const [unit, list] of elements) {
    if (!list.some(unseen)) continue
    const key = list.map((element) => element.slice(0, 2)).join()
    if (!alike.has(key)) alike.set(key, [])
    alike.get(key).push(unit)
  }
  for (const units of alike.values()) {
    units.sort(variant)
    let shape = 0
    units.forEach((unit, i) => {
      if (i > 0 && variant(units[i - 1], unit) !== 0) shape++
      elements.get(unit)[0][2] = STEP * shape
    })
  }
}

/** Tells units apart that got the same places and yet differ: later ones go one step up where they stand between. */
function splitAlike (elements, keep, compare, slot) {
  const alike = new Map()
  for (const [unit, all] of elements) {
    const list = all.filter(keep)
    const key = list.map((element) => [element[0], slot === 2 ? element[1] : 0]).join()
    if (all.length < 2 || list.length === 0) continue
    if (!alike.has(key)) alike.set(key, [])
    alike.get(key).push([unit, list])
  }
  const order = (a, b) => a.map((element, i) => element[slot] - b[i][slot]).find((sign) => sign !== 0) ?? 0
  for (const units of alike.values()) {
    units.sort(([a], [b]) => compare(a, b))
    for (let i = 1; i < units.length; i++) {
      const [[before, low], [unit, list]] = units.slice(i - 1, i + 1)
      const between = list.findIndex((element) => element[slot] % STEP !== 0)
      const wanted = Math.sign(compare(unit, before))
      if (wanted > 0 && order(list, low) <= 0 && between >= 0) list[between][slot] = low[between][slot] + 1
      if (Math.sign(order(list, low)) !== wanted) note(`shapes out of order (${slot}) after ${hex(before)}`, unit)
    }
  }
}

/** Lifts the shapes of every place that has one below the shapes of its single units, so that none is negative. */
function raiseShapes (elements, place, slot) {
  const all = [...elements.values()].flat()
  const low = new Set(all.filter((element) => element[slot] < 0).map(place))
  for (const element of all) if (low.has(place(element))) element[slot] += STEP
}

/** Runs of code points: [first, count, rank of the first], where ranks rise by one with the code point. */
function rankRuns (leaders) {
  const runs = []
  leaders.forEach((leader, index) => {
    if ([...leader].length > 1) return
    const code = leader.codePointAt(0)
    const last = runs.at(-1)
    if (last && last[0] + last[1] === code && last[2] + last[1] === index + 1) last[1]++
    else runs.push([code, 1, index + 1])
  })
  return runs
}

/** The leaders between which a number stands in numeric order; the digits' own weights count as leaders. */
function numberRank (groups) {
  const lowest = groups.findIndex((group) => group[0] === '0')
  const notDigit = (group) => group.find((unit) => !/\p{Nd}/u.test(unit))
  if (numericBase('9', notDigit(groups[lowest])) > 0 || numericBase('0', notDigit(groups[lowest - 1])) < 0) {
    throw new Error('numbers no longer stand just below the digit zero')
  }
  return lowest + 1
}

const ranges = (test) => {
  const found = []
  for (const code of codes()) {
    if (!test(String.fromCodePoint(code))) continue
    const last = found.at(-1)
    if (last && last[1] + 1 === code) last[1] = code
    else found.push([code, code])
  }
  return found
}

function letterCase () {
  const lower = {}
  let raised = ''
  for (const code of codes()) {
    const char = String.fromCodePoint(code)
    if (char.toLowerCase() !== char) lower[char] = char.toLowerCase()
    if (code <= 0xffff && char.toUpperCase() !== char) raised += char
  }
  return { lower, raised, cased: ranges((char) => /\p{Cased}/u.test(char)), caseIgnorable: ranges((char) => /\p{Case_Ignorable}/u.test(char)) }
}

function measure () {
  const { decompositions, classes } = normalisation()
  const marksOnly = new Set(classes.join(''))
  const known = process.argv[2]
  const contractions = known ? JSON.parse(fs.readFileSync(known)).contractions : findContractions((char) => marksOnly.has(char))
  const { ignorable, marks, units } = sortUnits(contractions)
  const { leaders, groups, expansions } = findLeaders(units)
  const { leaders: accents, elements } = findAccents(marks)
  groups.forEach((group, index) => {
    if (group.length > 1 || [...group[0]].length > 1) accentGroup(index + 1, group, accents, elements)
  })
  groups.forEach((group, index) => {
    if (group[0] !== leaders[index]) throw new Error(`another leader: ${hex(leaders[index])}`)
  })
  // A leader with a group of one has no variants, hence no entry; give it one where an expansion looks it up.
  const single = (char) => {
    const rank = primaries(char, leaders)
    return rank.length === 1 && leaders[rank[0] - 1] === char ? [[rank[0], 0, 0, 0]] : undefined
  }
  for (const unit of expansions) {
    for (const part of unit.normalize('NFKD')) if (!elements.has(part) && base(part, '') !== 0 && single(part)) elements.set(part, single(part))
  }
  for (const unit of expansions) elements.set(unit, expand(unit, primaries(unit, leaders), leaders, accents, elements))
  shapeAll(elements, leaders, accents)
  // A vowel written before its consonant and sorted after it: exactly the two in the other order.
  for (const unit of contractions) {
    const [first, second, third] = [...unit]
    if (third !== undefined || variant(unit, join([second, first])) !== 0) continue
    elements.set(unit, [second, first].flatMap((part) => elements.get(part) ?? single(part)))
  }
  const plain = (list, unit) => list.length === 1 && leaders[list[0][0] - 1] === unit && list[0].slice(1).every((x) => x === 0) && [...unit].length === 1
  return {
    versions: process.versions,
    contractions,
    ignorable: ignorable.join(''),
    runs: rankRuns(leaders),
    leaders: leaders.length,
    units: Object.fromEntries([...elements].filter(([unit, list]) => !plain(list, unit)).map(([unit, list]) => [unit, list.flat()])),
    number: numberRank(groups),
    zeros: ranges((char) => /\p{Nd}/u.test(char) && numericBase(char, '0') === 0).map(([code]) => code),
    decompositions,
    classes,
    ...letterCase(),
    notes
  }
}

process.stdout.write(JSON.stringify(measure()))
