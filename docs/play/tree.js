// The schedules of an exercise. data/*.js holds them, as the C++ program has recorded them:
// testing/lab/schedule_tree.h describes them. Nothing here knows how threads behave.
//
// A position in the tree is a list of choices: indices into the choices of one fork after another.
'use strict';

const kPreemption = 1;
const kSpurious = 2;
const kTimeout = 4;

class Tree {
  constructor(data) {
    Object.assign(this, data.tree);
    this.data = data;
    this.counts = [];  // of the schedules from each node on; equal subtrees are stored once
    this.total = this.count(this.first[2]);
  }

  count(node) {
    if (this.counts[node] === undefined) {
      const {choices} = this.nodes[node];
      this.counts[node] = !choices ? 1 : choices.reduce(
          (sum, [, , , edge]) => sum + (edge ? this.count(edge[2]) : 0), 0);
    }
    return this.counts[node];
  }

  // The edges along which the choices lead, or null if one of them is not in the tree.
  path(choices) {
    const path = [this.first];
    for (const index of choices) {
      const choice = this.nodes[path.at(-1)[2]].choices?.[index];
      if (!choice || !choice[3]) return null;
      path.push(choice[3]);
    }
    return path;
  }

  node(choices) { return this.nodes[this.path(choices).at(-1)[2]]; }

  // What the explorer calls this schedule: every choice, without the zeros at the end.
  name(choices) {
    const all = this.path(choices).flatMap(
        ([skipped], i) => [...(i > 0 ? [choices[i - 1]] : []), ...Array(skipped).fill(0)]);
    while (all.length > 1 && all.at(-1) === 0) all.pop();
    return all.join('.') || '0';
  }

  // The choices of the whole schedule with this name, or null if it is not in the tree.
  choices(name) {
    if (!/^\d+(\.\d+)*$/.test(name)) return null;
    const all = name.split('.').map(Number);
    const result = [];
    for (let edge = this.first;;) {
      if (all.splice(0, edge[0]).some(decision => decision !== 0)) return null;
      const {choices} = this.nodes[edge[2]];
      if (!choices) return all.some(decision => decision !== 0) ? null : result;
      const index = all.shift() ?? 0;
      edge = choices[index]?.[3];
      if (!edge) return null;
      result.push(index);
    }
  }

  // The steps of a path. An edge without a line is one, too. `edge` is its index.
  steps(choices) {
    const steps = [];
    this.path(choices).forEach((edge, i) => {
      const from = i > 0 ? this.node(choices.slice(0, i - 1)).choices[choices[i - 1]] : null;
      const place = from ? this.states[this.node(choices.slice(0, i - 1)).states[from[0]]] : null;
      const lines = edge[1].map(line => this.lines[line]);
      if (lines.length === 0 && from) lines.push([from[0], from[2], place[2], place[3]]);
      for (const [thread, text, file, line] of lines) {
        steps.push({thread, text: this.texts[text], file, line, edge: i});
      }
    });
    return steps;
  }

  // The names of all schedules that begin with these choices.
  * below(choices, edge = this.path(choices).at(-1)) {
    const node = this.nodes[edge[2]];
    if (!node.choices) yield {choices, verdict: node.verdict};
    for (const [index, [, , , next]] of (node.choices ?? []).entries()) {
      if (next) yield* this.below([...choices, index], next);
    }
  }
}
