// The one document, and everything that is done to it. The text is the truth: each change is made by the server, which keeps
// comments and order, one after the other; undoing brings a text back as it was.
import { announce, ask, Refused, toast, useSyncExternalStore } from "./base.js";

const CHECK_AFTER = 500;
const MOST_STEPS_BACK = 200;

export class Desk {
  #listeners = new Set();
  #waiting = [];
  #working = null;
  #turn = Promise.resolve();
  #saving = Promise.resolve();
  #check = 0;
  #checks = 0;
  // Whether somebody has typed since the document was drawn.
  #stale = false;

  state = {
    info: null, source: "", sketch: null, problems: [], checked: false, saved: "", revision: 0, busy: false,
    back: [], forth: [], selection: [], editing: null, tab: "canvas", pane: "toolbox", trial: null, seen: null, playing: null, compared: null, components: null, focus: null,
  };

  subscribe = (listener) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  get = () => this.state;

  set(patch) {
    this.state = { ...this.state, ...patch };
    for (const listener of this.#listeners) listener();
  }

  get dirty() {
    return this.state.source !== this.state.saved;
  }

  get writable() {
    return Boolean(this.state.info?.may.write);
  }

  // While versions are compared, what is drawn is not what is edited.
  get drawable() {
    return this.writable && !this.state.compared;
  }

  async open() {
    const info = await ask("/document");
    const drawn = await ask("/look", { body: { source: info.source } });
    this.set({
      info, source: info.source, saved: info.source, revision: info.revision, sketch: drawn.sketch,
      problems: drawn.problems, checked: false, back: [], forth: [],
      ...(location.hash.startsWith("#versions=") ? { tab: "versions" } : {}),
    });
    this.#later();
  }

  // Changes by operation: those that come while one is under way go together in the next.
  edit(operations, { select, edit, renamed } = {}) {
    if (!this.drawable) return Promise.resolve(null);
    return new Promise((done) => {
      this.#waiting.push({ operations, select, edit, renamed, done });
      this.#working ??= this.#work();
    });
  }

  async #work() {
    this.set({ busy: true });
    while (this.#waiting.length) {
      const batch = this.#waiting.splice(0);
      try {
        const { source } = this.state;
        const made = await ask("/edit", { body: { source, operations: batch.flatMap((each) => each.operations) } });
        // What was typed meanwhile counts more.
        if (this.state.source !== source) throw new Refused(409, { message: "The text was changed meanwhile.", advice: "Do it again." });
        this.#take(made, batch.flatMap((each) => each.renamed ?? []));
        for (const { select, edit, done } of batch) {
          if (select) this.set({ selection: made.named, focus: made.named.at(-1) ?? null });
          if (edit && made.named.length) this.set({ editing: { kind: "step", name: made.named.at(-1) }, pane: "edit" });
          done(made.named);
        }
      } catch (refused) {
        toast([refused.message, refused.advice].filter(Boolean).join(" "));
        for (const { done } of batch) done(null);
      }
    }
    this.#working = null;
    this.set({ busy: false });
  }

  #take({ source, sketch, problems }, renamed) {
    const { source: was, sketch: drawn, back } = this.state;
    if (source === was) return;
    this.#stale = false;
    this.set({
      source, sketch, checked: false, forth: [], back: [...back.slice(-MOST_STEPS_BACK), { source: was, sketch: drawn }],
      ...(problems.length ? { problems } : {}), ...this.#called(renamed),
    });
    this.#settle();
    this.#later();
  }

  // What is selected and edited stays so under another name, and its form where it is.
  #called(renamed) {
    let { selection, editing } = this.state;
    for (const [from, to] of renamed) {
      selection = selection.map((each) => (each === from ? to : each));
      if (editing?.kind === "step" && editing.name === from) editing = { ...editing, name: to, was: editing.was ?? from };
    }
    return { selection, editing };
  }

  // What is no longer there cannot be selected or edited.
  #settle() {
    const { sketch, selection, editing } = this.state;
    const there = new Set(sketch.steps.map((step) => step.name));
    const kept = selection.filter((name) => there.has(name) || name === "");
    const patch = {};
    if (kept.length !== selection.length) patch.selection = kept;
    if (editing?.kind === "step" && !there.has(editing.name)) Object.assign(patch, { editing: null, pane: "toolbox" });
    if (Object.keys(patch).length) this.set(patch);
  }

  async rename(step, name) {
    return Boolean(await this.edit([{ op: "rename", step, name }], { renamed: [[step, name]] }));
  }

  // A text that somebody types: drawn again when they pause; one step back for all of it.
  typed(source, fresh) {
    const { source: was, sketch, back } = this.state;
    if (source === was) return;
    this.#stale = true;
    this.set({ source, checked: false, forth: [], ...(fresh ? { back: [...back.slice(-MOST_STEPS_BACK), { source: was, sketch }] } : {}) });
    this.#later();
  }

  async #draw() {
    const { source, sketch } = this.state;
    const drawn = await ask("/look", { body: { source } });
    if (this.state.source !== source) return;
    this.#stale = false;
    this.set({ sketch: drawn.sketch.readable ? drawn.sketch : sketch, problems: drawn.problems.length ? drawn.problems : this.state.problems });
    this.#settle();
  }

  #later(after = CHECK_AFTER) {
    clearTimeout(this.#check);
    this.#check = setTimeout(() => this.check(), after);
  }

  async check() {
    const { source } = this.state;
    const mine = (this.#checks += 1);
    try {
      const [problems] = await Promise.all([ask("/check", { body: { source } }), this.#stale ? this.#draw() : null]);
      if (mine === this.#checks && this.state.source === source) this.set({ problems, checked: true });
    } catch (refused) {
      if (mine === this.#checks) toast([refused.message, refused.advice].join(" "));
    }
  }

  // What is asked for next is about what was done last, also while that is still under way.
  async settled() {
    while (this.#working) await this.#working;
  }

  // What is reckoned from what is there, one after the other.
  next(make) {
    this.#turn = this.#turn.then(() => this.settled()).then(make);
  }

  async undo() {
    await this.settled();
    this.#step("back", "forth", "Undone.");
  }

  async redo() {
    await this.settled();
    this.#step("forth", "back", "Done again.");
  }

  #step(from, to, words) {
    const taken = this.state[from].at(-1);
    if (!taken) return;
    const { source, sketch } = this.state;
    this.#stale = false;
    this.set({
      ...taken, checked: false, [from]: this.state[from].slice(0, -1), [to]: [...this.state[to], { source, sketch }],
    });
    this.#settle();
    this.#later();
    announce(words);
  }

  // One after the other: a second one would name the revision that the first has just replaced.
  async save(how = {}) {
    const mine = this.#saving.then(() => this.#save(how));
    this.#saving = mine.catch(() => {});
    return mine;
  }

  async #save({ over }) {
    await this.settled();
    if (!this.writable || (!this.dirty && !over)) return true;
    const { source, revision } = this.state;
    try {
      const saved = await ask("/draft", { method: "PUT", body: { source }, headers: { "If-Match": `"${over ?? revision}"` } });
      this.set({ saved: source, revision: saved.revision, info: { ...this.state.info, name: saved.name, revision: saved.revision }, conflict: null });
      announce("Saved.");
      return true;
    } catch (refused) {
      if (refused.code === "outdated") this.set({ conflict: refused });
      else toast([refused.message, refused.advice, ...refused.problems].join(" "));
      return false;
    }
  }
}

export const desk = new Desk();

export function useDesk(pick) {
  return useSyncExternalStore(desk.subscribe, () => pick(desk.state));
}

// What is drawn: the document, or two versions of it in one.
export const drawnOf = (state) => state.compared?.sketch ?? state.sketch;

export const stepOf = (name) => desk.state.sketch?.steps.find((step) => step.name === name);
