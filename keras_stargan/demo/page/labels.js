// What a label-guided model is asked for: labels, all at once or one blended into another.
import { inWords, make, slider, tile } from "./dom.js";

const FRAMES = 12;  // Of a GIF, from one end of the blend to the other.

export class LabelControls {
  #about; #model; #change;
  #own;               // The labels that the picture has; null: not known.
  #chosen = [];       // Of each data set: a map from label to 0 or 1.
  #active;            // The data set whose labels are asked for.
  #blend = 1;
  #looked = false;    // Whether there was a picture yet.
  #blendSlider; #from; #again;

  /**
   * @param about  what `model.json` and `demo.json` say.
   * @param model  a Model.
   * @param place  the element to fill.
   * @param change is called after every change.
   */
  constructor(about, model, place, change) {
    [this.#about, this.#model, this.#change] = [about, model, change];
    let start = 0;
    this.sets = about.label_sets.map((set) => {
      const from = start;
      start += set.names.length;
      return { ...set, start: from };
    });
    this.count = start;
    this.size = start + (this.sets.length > 1 ? this.sets.length : 0);
    this.tiles = [];
    this.sets.forEach((set, number) => place.append(this.#fieldset(set, number)));
    place.append(this.#blendRow());
    this.#active = this.tiles.at(-1).set;
  }

  #fieldset(set, number) {
    this.#chosen.push(new Map());
    const tiles = set.names.flatMap((name, label) => {
      const full = this.#about.label_names[set.start + label];
      if (!this.#about.reachable.includes(full)) return [];
      const one = tile({ name: full, title: inWords(name), size: this.#about.image_size,
        press: () => { this.#choose(number, label); this.#show(); this.#change(); } });
      return [Object.assign(one, { set: number, label, translate: (picture) =>
        this.#run(picture, this.#vector(number, this.#with(number, label))) })];
    });
    this.tiles.push(...tiles);
    const title = this.sets.length > 1 && set.name ? `: ${inWords(set.name)}` : "";
    return make("div", { className: "group", role: "group", "aria-label": `Labels${title}` },
      make("h2", {}, `It becomes${title}`),
      make("div", { className: "tiles" }, ...tiles.map(({ button }) => button)));
  }

  #blendRow() {
    this.#blendSlider = slider({ id: "blend", label: "", min: 0, max: 1, step: 0.01, value: 1,
      format: (x) => `${Math.round(100 * x)} %`, ends: ["the picture's own", "as chosen"],
      change: (x) => { this.#blend = x; this.#change(); } });
    this.#from = make("select", { id: "from" });
    this.#from.addEventListener("change", () => {
      const set = this.sets[this.#active];
      this.#own = this.#own ?? new Array(this.count).fill(0);
      set.names.forEach((_, label) => {
        this.#own[set.start + label] = Number(label === this.#from.selectedIndex); });
      this.#change();
    });
    this.fromRow = make("div", { className: "row from" },
      make("label", { htmlFor: "from" }, "The picture itself is"), this.#from);
    this.#again = make("button", { type: "button", id: "undo" }, "Undo all changes");
    this.#again.addEventListener("click", () => {
      this.#chosen[this.#active].clear();
      this.#show();
      this.#change();
    });
    const row = make("div", { className: "blend" }, this.fromRow, this.#again);
    // Where the picture's own label chooses a network, there is nothing in between.
    if (!this.#about.needs_own) row.append(this.#blendSlider.element);
    return row;
  }

  #choose(number, label) {
    this.#active = number;
    const values = this.#chosen[number];
    const set = this.sets[number];
    if (set.kind === "binary" && !set.exclusive.some((g) => g.includes(set.names[label]))) {
      values.set(label, 1 - this.#current(number)[label]);
    } else {
      this.#chosen[number] = new Map([...values, ...this.#only(set, label)]);
    }
    if (this.#blend === 0) {  // Else nothing would be seen.
      this.#blend = 1;
      this.#blendSlider.set(1);
    }
  }

  /** The values when a label is set, and those that it excludes are not. */
  #only(set, label) {
    const name = set.names[label];
    const group = set.kind === "categorical" ? set.names
      : set.exclusive.find((names) => names.includes(name)) ?? [name];
    return group.map((other) => [set.names.indexOf(other), Number(other === name)]);
  }

  /** The picture's own labels of a data set; where nobody knows them, none or the first. */
  #ownOf(number) {
    const { start, names, kind } = this.sets[number];
    if (this.#own) return this.#own.slice(start, start + names.length);
    return names.map((_, label) => Number(kind === "categorical" && label === 0));
  }

  /** The labels that are asked for: what is not chosen stays as it is. */
  #current(number) {
    const labels = this.#ownOf(number);
    for (const [label, value] of this.#chosen[number]) labels[label] = value;
    return labels;
  }

  #with(number, label) {
    const labels = this.#current(number);
    for (const [other, value] of this.#only(this.sets[number], label)) labels[other] = value;
    return labels;
  }

  /** The labels of a data set as the model takes them: among all labels, with the mask. */
  #vector(number, labels) {
    const vector = new Float32Array(this.size);
    vector.set(labels, this.sets[number].start);
    if (this.sets.length > 1) vector[this.count + number] = 1;
    return vector;
  }

  #blended(share) {
    const own = this.#ownOf(this.#active);
    return this.#vector(this.#active, this.#current(this.#active).map(
      (label, i) => share * label + (1 - share) * own[i]));
  }

  #run(picture, labels) {
    const inputs = { images: picture, labels };
    if (this.#about.needs_own) {
      inputs.own = new Float32Array(this.size);
      this.sets.forEach((set, number) => inputs.own.set(this.#ownOf(number), set.start));
    }
    return this.#model.run("translate_label", inputs);
  }

  #show() {
    const set = this.sets[this.#active];
    for (const tile of this.tiles)
      tile.pressed = tile.set === this.#active && this.#current(tile.set)[tile.label] === 1;
    const categorical = set.kind === "categorical";
    this.fromRow.hidden = !categorical;
    this.#again.hidden = categorical;
    this.#from.replaceChildren(...set.names.map((name) => make("option", {}, inWords(name))));
    this.#from.selectedIndex = this.#ownOf(this.#active).indexOf(1);
    this.#blendSlider.name.textContent = `Blend into ${this.words}`;
  }

  /** What is asked for, in words. */
  get words() {
    const { names } = this.sets[this.#active];
    const labels = this.#current(this.#active);
    return names.filter((_, i) => labels[i] === 1).map(inWords).join(", ") || "no label";
  }

  /**
   * Learns which labels a picture has.
   *
   * @param picture its numbers.
   * @param labels  its labels, if they are known.
   */
  async look(picture, labels) {
    this.#own = labels ? [...labels] : null;
    if (!labels && this.#model.has("classify"))
      this.#own = this.#seen((await this.#model.run("classify", { images: picture })).data);
    if (!this.#looked) {
      // Something is chosen that the picture is not, so that something happens at once.
      const { set, label } = this.tiles.findLast(({ set, label }) => !this.#ownOf(set)[label])
        ?? this.tiles.at(-1);
      this.#choose(set, label);
    }
    this.#looked = true;
    this.#show();
  }

  /** The labels that logits say, as `LabelSpace.from_logits`. */
  #seen(logits) {
    return this.sets.flatMap((set) => {
      const part = Array.from(logits.slice(set.start, set.start + set.names.length));
      const most = (labels) => labels.reduce((a, b) => (part[b] > part[a] ? b : a));
      if (set.kind === "categorical") {
        const best = most([...part.keys()]);
        return part.map((_, label) => Number(label === best));
      }
      const shown = part.map((logit) => Number(logit > 0));
      for (const group of set.exclusive) {
        const labels = group.map((name) => set.names.indexOf(name));
        const any = Number(labels.some((label) => shown[label]));
        for (const label of labels) shown[label] = 0;
        shown[most(labels)] = any;
      }
      return shown;
    });
  }

  /** Translates a picture to what is asked for. */
  translate(picture) {
    return this.#run(picture, this.#blended(this.#blend));
  }

  /** Translations for a GIF: there and back. */
  frames() {
    const there = this.#about.needs_own ? [0, 1]
      : Array.from({ length: FRAMES + 1 }, (_, i) => i / FRAMES);
    return [...there, ...there.slice(1, -1).reverse()].map((share) => ({
      rests: share === 0 || share === 1,
      translate: (picture) => this.#run(picture, this.#blended(share)) }));
  }
}
