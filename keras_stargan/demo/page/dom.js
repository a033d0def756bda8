// Short names for what the page does with its elements.

export const find = (id) => document.getElementById(id);

/** Makes an element: properties (`data`, `aria…` too), then children. */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** A slider with a name, a value that is shown, and words at its ends. */
export function slider({ id, label, min, max, step, value, format, ends, change }) {
  const input = make("input", { type: "range", id, min, max, step });
  input.value = value;
  const output = make("output", { htmlFor: id });
  const say = () => {
    output.textContent = format(input.valueAsNumber);
    input.setAttribute("aria-valuetext", output.textContent);
  };
  say();
  input.addEventListener("input", () => {
    say();
    change(input.valueAsNumber);
  });
  const name = make("label", { htmlFor: id }, label);
  const scale = ends ? [make("div", { className: "ends quiet" },
    ...ends.map((end) => make("span", {}, end)))] : [];
  const element = make("div", { className: "slider" }, name, output, input, ...scale);
  return { element, name, input, set(number) { input.value = number; say(); } };
}

/** A button with a miniature and a name, which is pressed or not. */
export function tile({ name, title, size, press }) {
  const canvas = make("canvas", { width: size, height: size });
  canvas.setAttribute("aria-hidden", "true");
  const button = make("button", { type: "button", className: "tile", "aria-pressed": "false" },
    canvas, make("span", {}, title));
  button.dataset.name = name;
  button.addEventListener("click", press);
  return { button, canvas, name,
    set pressed(value) { button.setAttribute("aria-pressed", String(value)); } };
}

/** A name as people write it: Blond_Hair, Blond Hair. */
export const inWords = (name) => name.replaceAll("_", " ");
