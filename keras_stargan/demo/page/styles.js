// What a model with styles is asked for: a domain, and a style that is rolled, taken from
// another picture, or moved along the directions in which a domain's styles differ most.
import { inWords, make, slider, tile } from "./dom.js";
import { show, toNumbers } from "./pictures.js";

const FRAMES = 8;  // Of a GIF, from one style to the next.
const STYLES = 4;  // Of a GIF.

export class StyleControls {
  #about; #model; #change; #drawn;
  #domain = 0;
  #base;              // Where styles come from: {latents} or {references}.
  #psi = 1;
  #along;             // How far along each direction, in standard deviations.
  #styles = [];       // Of each domain, until the base changes.
  #references;

  /**
   * @param about  what `model.json` and `demo.json` say.
   * @param model  a Model.
   * @param place  the element to fill.
   * @param change is called after every change.
   * @param drawn  the pictures to start with: {levels, labels, title}.
   * @param open   opens a file: (function that takes ImageData) -> None.
   */
  constructor(about, model, place, change, drawn, open) {
    [this.#about, this.#model, this.#change, this.#drawn] = [about, model, change, drawn];
    this.#along = (about.styles[0]?.deviations ?? []).map(() => 0);
    this.tiles = about.label_names.flatMap((name, domain) => {
      if (!about.reachable.includes(name)) return [];
      const one = tile({ name, title: inWords(name), size: about.image_size,
        press: () => { this.#domain = domain; this.#show(); change(); } });
      return [Object.assign(one, { domain, translate: async (picture) =>
        this.#run(picture, await this.#style(domain)) })];
    });
    this.#domain = this.tiles[0].domain;
    place.append(make("div", { className: "group", role: "group", "aria-label": "Domains" },
      make("h2", {}, "It becomes"),
      make("div", { className: "tiles" }, ...this.tiles.map(({ button }) => button))));
    if (model.has("style_from_latent")) place.append(this.#dice());
    this.#references = [];
    if (model.has("style_from_reference")) place.append(this.#referenceRow(open));
    if (about.styles.length) place.append(this.#sliders());
    this.#base = this.#random();
    this.#show();
  }

  #dice() {
    const button = make("button", { type: "button", id: "dice", className: "strong" },
      "Roll a new style");
    button.addEventListener("click", () => this.#takeBase(this.#random()));
    return make("div", { className: "row" }, button);
  }

  #referenceRow(open) {
    const strip = make("div", { className: "strip", role: "group",
      "aria-label": "Pictures to take the style from" });
    this.#drawn.forEach(({ levels, labels, title }) => {
      const one = tile({ name: title, title: "", size: this.#about.image_size,
        press: () => this.takeReference(levels, labels, one) });
      one.button.setAttribute("aria-label", `The style of ${title}`);
      show(one.canvas, levels);
      strip.append(one.button);
      this.#references.push(one);
    });
    const own = tile({ name: "own", title: "", size: this.#about.image_size,
      press: () => open((levels) => this.takeReference(levels)) });
    own.button.id = "reference";
    own.button.classList.add("drop");
    own.button.setAttribute("aria-label", "The style of a file: open one, or drop it here");
    own.button.querySelector("span").textContent = "Drop or open";
    strip.append(own.button);
    this.#references.push(own);
    this.own = own;
    return make("div", { className: "group" },
      make("h3", {}, "Or the style of another picture"), strip);
  }

  #sliders() {
    const truncation = slider({ id: "psi", label: "Truncation", min: 0, max: 1, step: 0.05,
      value: 1, format: (x) => x.toFixed(2), ends: ["the usual look", "the style itself"],
      change: (x) => { this.#psi = x; this.#change(); } });
    const along = this.#along.map((_, i) => slider({ id: `axis-${i + 1}`,
      label: `Direction ${i + 1}`, min: -3, max: 3, step: 0.1, value: 0,
      format: (x) => `${x < 0 ? "−" : x > 0 ? "+" : "±"}${Math.abs(x).toFixed(1)}`,
      change: (x) => { this.#along[i] = x; this.#change(); } }));
    const middle = make("button", { type: "button", id: "middle" }, "All to the middle");
    middle.addEventListener("click", () => {
      along.forEach((one, i) => { one.set(0); this.#along[i] = 0; });
      this.#change();
    });
    return make("div", { className: "group" },
      truncation.element,
      make("h3", {}, "Directions in which these styles differ most"),
      make("div", { className: "sliders" }, ...along.map(({ element }) => element)),
      make("div", { className: "row" }, middle));
  }

  #takeBase(base) {
    this.#base = base;
    this.#styles = [];
    this.#show();
    this.#change();
  }

  /**
   * Takes the style of a picture.
   *
   * @param levels ImageData of the model's size.
   * @param labels the picture's own domain, if it is known: then it is chosen, too.
   * @param one    the tile to mark.
   */
  takeReference(levels, labels = null, one = this.own) {
    if (one === this.own) show(one.canvas, levels);
    const domain = labels ? labels.indexOf(1) : -1;
    if (this.tiles.some((tile) => tile.domain === domain)) this.#domain = domain;
    this.#takeBase({ references: toNumbers(levels), tile: one });
  }

  /** A base that is chosen at random: a latent code, or else one of the drawn pictures. */
  #random() {
    if (!this.#model.has("style_from_latent")) {
      const place = Math.floor(Math.random() * this.#drawn.length);
      return { references: toNumbers(this.#drawn[place].levels), tile: this.#references[place] };
    }
    // Box and Muller's way to normally distributed numbers.
    return { latents: Float32Array.from({ length: this.#about.latent_dim }, () =>
      Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random())) };
  }

  async #styleOf({ latents, references }, domain) {
    const domains = Int32Array.of(domain);
    return (await (latents ? this.#model.run("style_from_latent", { latents, domains })
      : this.#model.run("style_from_reference", { references, domains }))).data;
  }

  async #style(domain) {
    const base = this.#base;
    if (!this.#styles[domain]) {
      const style = await this.#styleOf(base, domain);
      if (base !== this.#base) return this.#style(domain);  // It has changed meanwhile.
      this.#styles[domain] = style;
    }
    return this.#moved(this.#styles[domain], domain);
  }

  /** A style after truncation and the sliders. */
  #moved(style, domain) {
    if (!this.#about.styles.length) return style;
    const { mean, axes, deviations } = this.#about.styles[domain];
    return style.map((value, i) => mean[i] + this.#psi * (value - mean[i]) + axes.reduce(
      (sum, axis, j) => sum + this.#along[j] * deviations[j] * axis[i], 0));
  }

  #run(picture, styles) {
    return this.#model.run("translate_style", { images: picture, styles });
  }

  #show() {
    for (const tile of this.tiles) tile.pressed = tile.domain === this.#domain;
    for (const one of this.#references) one.pressed = one === this.#base?.tile;
  }

  /** What is asked for, in words. */
  get words() {
    return inWords(this.#about.label_names[this.#domain]);
  }

  /** A new picture: styles do not depend on it. */
  async look() {}

  /** Translates a picture to what is asked for. */
  async translate(picture) {
    return this.#run(picture, await this.#style(this.#domain));
  }

  /** Translations for a GIF: from the style of now through others and back. */
  frames() {
    const domain = this.#domain;
    const bases = [this.#base];
    while (bases.length < STYLES) bases.push(this.#random());
    const styles = bases.map((base) => this.#styleOf(base, domain));
    return bases.flatMap((_, i) => Array.from({ length: FRAMES }, (_, step) => ({
      rests: step === 0,
      translate: async (picture) => {
        const [here, there] = [await styles[i], await styles[(i + 1) % STYLES]];
        const share = step / FRAMES;
        return this.#run(picture, this.#moved(
          here.map((value, j) => (1 - share) * value + share * there[j]), domain));
      },
    })));
  }
}
