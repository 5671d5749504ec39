// The page "You are the scheduler": what it shows, and what the reader does. tree.js reads the
// schedules.
'use strict';

const $ = id => document.getElementById(id);

// Creates an element. `attributes` may contain `on...` functions.
function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element[name] = value;
    else if (value === true) element.setAttribute(name, '');
    else if (value !== false && value !== null) element.setAttribute(name, value);
  }
  element.append(...children.filter(child => child !== null));
  return element;
}

const plural = (n, one, many = one + 's') => `${n.toLocaleString('en')} ${n === 1 ? one : many}`;

// --- What the page shows -------------------------------------------------------------------------

const game = {
  name: '',           // 03_lost_stop
  variant: 'starter',
  mode: 'watch',
  choices: [],
  undone: [],         // choices that were taken back, the last one first
  step: 0,            // while watching: how many steps are shown
  tried: new Map(),   // for each tree: the schedules that the player has seen, and whether they fail
};

let tree;
let requests = 0;     // how often show() was called; only the last call shows something

const key = choices => choices.join('.');
const tried = () => game.tried.get(`${game.name}/${game.variant}`);
const is_end = choices => tree.node(choices).choices === undefined;
const verdict_at = choices => tree.node(choices).verdict;
const used = (choices, flag) => choices.filter(
    (index, i) => tree.node(choices.slice(0, i)).choices[index][1] & flag).length;

function untried_below(choices, node) {
  const prefix = key(choices) + '.';
  let seen = 0;
  for (const it of tried().keys()) if (it === key(choices) || it.startsWith(prefix)) ++seen;
  return tree.counts[node] - seen;
}

// Returns when the exercise is in `course`, or could not be loaded.
function load(name) {
  if (course.exercises[name]) return Promise.resolve();
  return new Promise(resolve => {
    document.head.append(h('script', {src: `data/${name}.js`, onload: resolve, onerror: resolve}));
  });
}

function say(text) {
  $('message').textContent = text;
  $('message').hidden = text === '';
}

// `schedule`: to watch, or '' for the one that the test prints. The result says whether the page
// shows the exercise now.
async function show(name, variant, mode, schedule = '') {
  const request = ++requests;
  await load(name);
  if (request !== requests) return false;
  if (!course.exercises[name]) {
    say(`The exercise ${name} could not be loaded. ` +
        (tree ? `The page still shows ${game.name}.` : 'Choose another one.'));
    if (tree) update();  // the menu and the address, too
    return false;
  }
  Object.assign(game, {name, variant, choices: [], undone: [], step: 0});
  tree = new Tree(course.exercises[name][variant]);
  document.title = `${course.exercises[name].title} - You are the scheduler`;
  const id = `${name}/${variant}`;
  if (!game.tried.has(id)) game.tried.set(id, new Map());
  const wanted = schedule || tree.data.breaks;
  const choices = mode === 'watch' && wanted ? tree.choices(wanted) : null;
  game.mode = choices ? 'watch' : 'play';
  if (choices) game.choices = choices;
  say(schedule && !choices ? `The ${variant} of ${name} has no schedule ${schedule} within the ` +
          'limits below. This page shows the starter and the solution as they are in the course, ' +
          'so it cannot show what your test has run if you have changed the code.' :
      schedule && verdict_at(choices) < 0 ?
          `Schedule ${schedule} breaks nothing in the ${variant} of ${name}.` : '');
  show_code();
  update();
  return true;
}

// After show(): announces the beginning, and moves the focus to the first step or choice.
function start(is_shown) {
  if (!is_shown) return;
  update(true);
  if (game.mode === 'watch') $('forward').focus();
}

function play(variant) { show(game.name, variant, 'play').then(start); }

function choose(index) {
  if (game.mode !== 'play' || !tree.node(game.choices).choices?.[index]?.[3]) return;
  game.choices.push(index);
  game.undone = game.undone.at(-1) === index ? game.undone.slice(0, -1) : [];
  update(true);
}

function take_back() {
  if (game.choices.length === 0) return;
  game.undone.push(game.choices.pop());
  update(true);
}

function move(steps) {
  const last = tree.steps(game.choices).length;
  game.step = Math.min(Math.max(game.step + steps, 0), last);
  update(true);
}

function forward() {
  if (game.mode === 'watch') move(1);
  else if (game.undone.length > 0) choose(game.undone.at(-1));
}

function back() { game.mode === 'watch' ? move(-1) : take_back(); }

// From the last fork that the shown steps have reached, or from the first fork. Edge i leads to the
// fork after i choices.
function take_over() {
  const steps = tree.steps(game.choices);
  const edge = steps[game.step - 1]?.edge ?? 0;
  const is_complete = steps[game.step]?.edge !== edge;
  game.choices = game.choices.slice(0, is_complete ? edge : Math.max(edge - 1, 0));
  if (is_end(game.choices)) game.choices.pop();
  game.mode = 'play';
  update(true);
}

function try_the_rest() {
  for (const {choices, verdict} of tree.below([])) tried().set(key(choices), verdict >= 0);
  update();
  $('result').focus();
}

// --- Drawing -------------------------------------------------------------------------------------

// `is_move`: announces the new steps, and moves the focus to what comes next.
function update(is_move = false) {
  const was_in_buttons = $('buttons').contains(document.activeElement);
  const steps = tree.steps(game.choices);
  const shown = game.mode === 'watch' ? game.step : steps.length;
  const at_end = is_end(game.choices) && shown === steps.length;
  if (at_end) tried().set(key(game.choices), verdict_at(game.choices) >= 0);
  show_controls();
  show_buttons(shown, steps.length);
  // Those of the last choice, or the one that was watched last.
  const is_new = (step, i) => game.mode === 'watch' ? i === shown - 1 :
      step.edge === game.choices.length;
  show_story(steps.slice(0, shown), is_new);
  show_places(steps.slice(0, shown), shown === steps.length);
  show_now(at_end);
  show_score();
  $('announce').textContent =
      is_move ? announcement(steps.slice(0, shown).filter(is_new), at_end) : '';
  if (is_move && (game.mode === 'play' || was_in_buttons)) move_focus(at_end);
  const variant = game.variant === 'starter' ? '' : '/solution';
  const schedule = is_end(game.choices) ? '/' + tree.name(game.choices) : '';
  const fragment = `#${game.name}${variant}${schedule}`;
  // A browser refuses too many changes, as of a key that is held down.
  if (location.hash !== fragment) history.replaceState(null, '', fragment);
}

function announcement(steps, at_end) {
  const is_beginning = game.mode === 'watch' ? game.step === 0 : game.choices.length === 0;
  return [
    ...(is_beginning ? [`The beginning: the ${game.variant} of ${game.name}.`] : []),
    ...steps.map(step => `${tree.threads[step.thread]} ${step.text}.`),
    ...(at_end ? [`${end_title()}. ${end_text()}`] : []),
  ].join(' ');
}

// The focus stays on a button of the steps that can be pressed again.
function move_focus(at_end) {
  if ($('buttons').contains(document.activeElement)) return;
  if (at_end) $('now-title').focus();
  else if (game.mode === 'watch') $('forward').focus();
  else $('choices').querySelector('button:enabled')?.focus();
}

function show_controls() {
  $('exercise').value = game.name;
  for (const input of $('controls').querySelectorAll('input')) {
    input.checked = input.value === game[input.name];
    if (input.value === 'watch') input.disabled = !tree.data.breaks && game.mode === 'play';
  }
}

function button(id, text, onclick, disabled = false) {
  return h('button', {id, type: 'button', onclick, disabled}, text);
}

function show_buttons(shown, all) {
  const had_focus = document.activeElement?.id;
  $('buttons').replaceChildren(...(game.mode === 'watch' ? [
    button('first', 'Start', () => move(-shown), shown === 0),
    button('back', '← Back', back, shown === 0),
    button('forward', 'Next step →', forward, shown === all),
    button('last', 'End', () => move(all), shown === all),
    button('take-over', 'Choose from here', take_over),
    h('span', {class: 'quiet'}, ` step ${shown} of ${all}`),
  ] : [
    button('back', '← Take back', back, game.choices.length === 0),
    button('restart', 'Start over', restart, game.choices.length === 0),
  ]));
  if (had_focus) $('buttons').querySelector(`#${had_focus}:enabled`)?.focus();
}

function restart() {
  Object.assign(game, {choices: [], undone: []});
  update(true);
}

function show_story(steps, is_new) {
  if (steps.length === 0) {
    return $('story').replaceChildren(h('p', {class: 'quiet'}, 'No thread has made a step.'));
  }
  const head = tree.threads.map((name, i) => h('th', {scope: 'col', class: `t${i}`}, name));
  const rows = steps.map((step, i) => h(
      'tr', {
        class: is_new(step, i) ? 'new' : null,
        'aria-current': i === steps.length - 1 ? 'step' : null,
      },
      ...tree.threads.map((name, thread) => thread !== step.thread ? h('td') : h(
          'td', {class: `t${thread} step`, 'data-thread': name}, step.text))));
  $('story').replaceChildren(h('table', {},
      h('thead', {}, h('tr', {}, ...head)), h('tbody', {}, ...rows)));
  $('story').scrollTop = $('story').scrollHeight;
}

function end_title() {
  if (verdict_at(game.choices) >= 0) return game.mode === 'watch' ? 'It breaks' : 'You broke it';
  return 'This schedule ends well';
}

function end_text() {
  const verdict = verdict_at(game.choices);
  return verdict >= 0 ? tree.texts[verdict] : 'Nothing went wrong, and every thread has exited.';
}

function show_now(at_end) {
  const failed = at_end && verdict_at(game.choices) >= 0;
  $('now').className = failed ? 'failed' : at_end ? 'passed' : '';
  $('now').hidden = game.mode === 'watch' && !at_end;
  $('now-title').textContent = at_end ? end_title() : 'Which thread runs next?';
  const parts = at_end ? end_of_schedule(failed) : game.mode === 'play' ? choice_buttons() : [];
  $('choices').replaceChildren(...parts);
}

function end_of_schedule(failed) {
  const parts = [h('p', {class: 'verdict'}, end_text())];
  if (failed && game.variant === 'starter') {
    const command = `./bazelw test --test_env=LAB_REPLAY=${tree.name(game.choices)} //exercises/${game.name}:test`;
    parts.push(
        h('p', {}, 'Why: ', tree.data.lesson),
        h('p', {id: 'command-title'}, 'The same schedule in the real program:'),
        h('pre', {tabindex: 0, role: 'region', 'aria-labelledby': 'command-title'}, command));
  }
  const next = [];
  if (game.mode === 'watch') {
    next.push(button('play', 'Now choose the threads', () => play(game.variant)));
  } else {
    next.push(button('again', 'Start over', restart));
  }
  if (failed) next.push(button('solution', 'Try to break the solution', () => play('solution')));
  return [...parts, h('p', {}, ...next)];
}

// The digit of a choice is the number of its thread. That of a spurious wake-up or an early timeout
// comes after those of the threads.
function choice_buttons() {
  const {choices} = tree.node(game.choices);
  const [preemptions, spurious_wakeups] = tree.limits;
  const digits = new Set();
  const list = choices.map(([thread, flags, text, edge], index) => {
    let digit = flags < kSpurious ? thread + 1 : tree.threads.length + 1;
    while (digits.has(digit)) ++digit;
    digits.add(digit);
    const marks = [];
    if (flags & kPreemption) marks.push(flags & kTimeout ? 'early timeout' : 'preemption');
    if (flags & kSpurious) marks.push('spurious wake-up');
    const left = edge ? untried_below([...game.choices, index], edge[2]) : 0;
    const note = edge ? `${left} untried` :
        `beyond the limit of ${plural(preemptions, 'preemption')}`;
    return {digit, element: h('button', {
      type: 'button', disabled: !edge, class: `choice t${thread}`, 'data-digit': digit,
      onclick: () => choose(index),
    }, h('kbd', {}, String(digit)), h('span', {}, h('b', {}, tree.threads[thread]), ' ', tree.texts[text]),
    h('span', {class: 'note'}, [...marks, note].join(', ')))};
  });
  list.sort((a, b) => a.digit - b.digit);
  const left = [plural(preemptions - used(game.choices, kPreemption), 'preemption')];
  if (spurious_wakeups > 0) {
    left.push(plural(spurious_wakeups - used(game.choices, kSpurious), 'spurious wake-up'));
  }
  return [...list.map(it => it.element), h('p', {class: 'quiet'}, `You have ${left.join(' and ')} left.`)];
}

function show_score() {
  const [preemptions, spurious_wakeups] = tree.limits;
  const seen = tried().size;
  const failed = [...tried().values()].filter(Boolean).length;
  const left = tree.total - seen;
  const limits = `at most ${plural(preemptions, 'preemption')} and ${
      spurious_wakeups === 0 ? 'no spurious wake-up' : plural(spurious_wakeups, 'spurious wake-up')}`;
  const parts = [
    h('p', {}, `The ${game.variant} has ${plural(tree.total, 'schedule')} with ${limits}. You have seen `,
      h('b', {}, seen === 0 ? 'none' : String(seen)),
      seen === 0 ? ' of them yet; ' : `, and ${failed === 0 ? 'none' : failed} of these ${
          failed === 1 ? 'breaks' : 'break'} it; `,
      h('b', {id: 'left'}, String(left)), left === 1 ? ' is left.' : ' are left.'),
    h('progress', {max: tree.total, value: seen, 'aria-label': 'schedules seen'}),
  ];
  if (left > 0) {
    const rest = left === tree.total ? 'Run all schedules' :
        left === 1 ? 'Run the last one' : `Run the other ${left}`;
    parts.push(h('p', {}, button('rest', rest, try_the_rest)));
  } else {
    const kind = failed > 0 ? 'failed' : 'passed';
    parts.push(h('p', {class: kind, id: 'result', tabindex: -1}, failed > 0 ?
      `Seen them all: ${plural(failed, 'schedule breaks', 'schedules break')} the ${game.variant}, ${tree.total - failed} do not.` :
      `Seen them all: no schedule within these limits breaks the ${game.variant}.`));
  }
  $('score').replaceChildren(...parts);
}

// --- The code ------------------------------------------------------------------------------------

function show_code() {
  const panes = [tree.data.code, tree.data.scenario].map(({file, first, text}) => {
    const lines = text.replace(/\n$/, '').split('\n').map((line, i) => {
      const comment = line.search(/\/\//);
      return h('li', {id: `${file}:${first + i}`, value: first + i}, h('code', {},
          comment < 0 ? line : line.slice(0, comment),
          comment < 0 ? null : h('i', {}, line.slice(comment))), h('span', {class: 'threads'}));
    });
    return h('figure', {}, h('figcaption', {}, file.replace('exercises/', '')),
        h('ol', {tabindex: 0, 'aria-label': file, class: 'pane'}, ...lines));
  });
  $('code').replaceChildren(...panes);
  for (const pane of document.querySelectorAll('.pane')) pane.scrollTop = 0;
}

// Marks the line of each thread. At a fork: of the step that it can make next, or where it waits.
// Between two forks: of its last step.
function show_places(steps, at_fork) {
  for (const line of $('code').querySelectorAll('.here')) {
    line.classList.remove('here');
    line.querySelector('.threads').replaceChildren();
  }
  const running = steps.at(-1)?.thread ?? 0;
  const node = at_fork ? tree.node(game.choices) : {};
  tree.threads.forEach((name, thread) => {
    const last = steps.findLast(step => step.thread === thread);
    const state = node.states ? tree.states[node.states[thread] ?? -1] : undefined;
    const has_exited = last?.text === 'exits' || state?.[0] === 2;
    const [file, line] = state?.[3] > 0 ? [state[2], state[3]] : [last?.file, last?.line];
    const item = !has_exited && line > 0 ? document.getElementById(`${tree.files[file]}:${line}`) : null;
    if (!item) return;
    item.classList.add('here');
    item.querySelector('.threads').append(h('span', {class: `t${thread} badge`}, name));
    const pane = item.closest('.pane');
    const top = item.offsetTop;
    if (top > pane.scrollTop && top < pane.scrollTop + pane.clientHeight - 30) return;
    if (thread === running || pane.scrollTop === 0) pane.scrollTop = top - pane.clientHeight / 2;
  });
}

// --- Input ---------------------------------------------------------------------------------------

// The part after "#": EXERCISE, EXERCISE/SCHEDULE, EXERCISE/solution or EXERCISE/solution/SCHEDULE.
function open_fragment(fragment) {
  const [name, ...rest] = fragment.replace(/^.*#/, '').trim().split('/');
  const variant = rest[0] === 'solution' ? 'solution' : 'starter';
  if (rest[0] === variant) rest.shift();
  const schedule = rest.join('/').replace(/^LAB_REPLAY=/, '');
  if (course.names.includes(name)) {
    return show(name, variant, variant === 'solution' && !schedule ? 'play' : 'watch', schedule);
  }
  return show(course.names[1], 'starter', 'watch').then(is_shown => {
    if (is_shown && name) say(`This page has no exercise ${name}. It shows ${game.name} instead.`);
    return is_shown;
  });
}

function on_key(event) {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const tag = event.target.tagName;
  const is_radio = event.target.type === 'radio';
  if (tag === 'SELECT' || tag === 'SUMMARY' || (tag === 'INPUT' && !is_radio)) return;
  const needs_arrows = is_radio || event.target.matches('.pane, pre');
  if (event.key === 'ArrowRight' && !needs_arrows) forward();
  else if (event.key === 'ArrowLeft' && !needs_arrows) back();
  else if (/^[1-9]$/.test(event.key)) {
    $('choices').querySelector(`button[data-digit="${event.key}"]`)?.click();
  } else if (event.key === 'Enter' && tag !== 'BUTTON') {
    if (game.mode === 'play') $('choices').querySelector('.choice:enabled')?.click();
    else forward();
  } else return;
  event.preventDefault();
}

$('exercise').append(...course.names.map(name => h('option', {value: name}, name)));
$('controls').onsubmit = event => event.preventDefault();
$('controls').onchange = event => {
  const wanted = {...game, [event.target.name || 'name']: event.target.value};
  if (wanted.variant === 'solution') wanted.mode = 'play';
  show(wanted.name, wanted.variant, wanted.mode);
};
$('lookup').onsubmit = event => {
  event.preventDefault();
  const wanted = $('schedule').value.trim();
  const [, schedule] = /^(?:LAB_REPLAY=)?([\d.]+)$/.exec(wanted) ?? [];
  open_fragment(schedule ? `${game.name}/${game.variant}/${schedule}` : wanted).then(start);
  scrollTo({top: 0});
};
addEventListener('hashchange', () => open_fragment(location.hash));
document.addEventListener('keydown', on_key);
open_fragment(location.hash);
