// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Asks the server for news, draws the two pictures of one frame at once, and makes a control of each property the server names.
// All addresses are relative to that of the page, which ends with the token.
"use strict";

const by = id => document.getElementById(id);
const SECOND = 1e9;
const SLIDER = 1000; // steps of a slider
const controls = new Map(); // by name of property
let state = {revision: -1, frame: 0, values: {}};
let drawn = 0;
let drawing = false;

async function post(address, body) {
  const answer = await fetch(address, {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(body)});
  const said = await answer.json();
  if (!answer.ok)
    throw new Error(said.error);
  show(said);
}

const transport = (action, value = 0) => post("transport", {action, value}).catch(tell);

function tell(error) {
  const item = document.createElement("li");
  item.className = "error";
  item.textContent = error.message;
  by("messages").replaceChildren(item);
}

// Pictures

async function draw() {
  if (drawing || drawn === state.frame)
    return;
  drawing = true;
  const frame = state.frame, exact = !state.playing;
  try {
    const blobs = await Promise.all(["input", "output"].map(async side => (await fetch(`picture/${frame}/${side}`)).blob()));
    if (blobs.every(blob => blob.size)) {
      const pictures = await Promise.all(blobs.map(blob => createImageBitmap(blob)));
      paint(by("input"), pictures[0]);
      paint(by("output"), pictures[1]);
      by("viewer").dataset.exact = exact;
    }
    drawn = frame;
  } catch (error) {
    tell(error);
  }
  drawing = false;
  by("viewer").dataset.frame = drawn;
  draw();
}

function paint(canvas, picture) {
  canvas.width = picture.width;
  canvas.height = picture.height;
  canvas.getContext("2d").drawImage(picture, 0, 0);
  picture.close();
}

function split() {
  const share = by("split").value / 10;
  by("input").style.clipPath = by("viewer").classList.contains("zoomed") ? zoomedClip(share) : `inset(0 ${100 - share}% 0 0)`;
  by("divider").style.left = `${share}%`;
}

// The part of the picture that is left of the divider, where its middle is shown three times as large.
const zoomedClip = share => `inset(0 ${100 - (share / 3 + 100 / 3)}% 0 0)`;

function drag(event) {
  if (event.buttons !== 1)
    return;
  const box = by("viewer").getBoundingClientRect();
  by("split").value = SLIDER * (event.clientX - box.left) / box.width;
  split();
}

// News

async function listen() {
  for (;;) {
    try {
      const answer = await fetch(`state?after=${state.revision}`);
      if (!answer.ok)
        throw new Error((await answer.json()).error);
      show(await answer.json());
    } catch (error) {
      tell(new Error("The server does not answer: has pipelines/tune ended?"));
      await new Promise(resolve => setTimeout(resolve, 2000));
    }
  }
}

function show(news) {
  if (news.revision < state.revision)
    return;
  state = news;
  by("busy").hidden = !state.busy || state.playing;
  by("play").textContent = state.playing ? "Pause" : "Play";
  for (const id of ["back", "position"])
    by(id).hidden = state.live;
  by("messages").replaceChildren(...state.messages.map(([kind, sentence]) => {
    const item = document.createElement("li");
    item.className = kind;
    item.textContent = sentence;
    return item;
  }));
  by("line").textContent = state.line;
  for (const control of controls.values())
    control.show();
  filter();
  if (state.stats)
    measures();
  draw();
}

const seconds = time => (time / SECOND).toFixed(2);
const level = value => value.toFixed(value < 10 ? 2 : 1);

function measures() {
  const stats = state.stats;
  by("viewer").style.aspectRatio = state.aspect;
  for (const id of ["viewer", "split"])
    by(id).style.maxWidth = `calc(62vh * ${state.aspect})`;
  by("clock").textContent = seconds(state.time) + (state.length ? ` / ${seconds(state.length)} s` : " s");
  if (document.activeElement !== by("position") && state.length)
    by("position").value = SLIDER * state.time / state.length;
  by("noise").textContent = level(stats["noise"]);
  const planes = [0, 1, 2].map(plane => level(stats[`noise-plane-${plane}`])).join(", ");
  const slope = stats["noise-slope"];
  const grain = slope > 1.15 ? `coarser than white (slope ${slope.toFixed(2)})` : "white";
  by("noise-more").textContent = stats["noise-source"] === "estimate" ? `estimated; planes ${planes}; ${grain}` :
    [stats["noise-source"] === "set" ? "as set" : stats["noise-source"], stats["compression-noise"] ? `codec's errors ${level(stats["compression-noise"])}` : ""].filter(Boolean).join("; ");
  by("calls").textContent = stats["steps"];
  by("calls-more").textContent = `${stats["prior-calls"]} since the start, on ${stats["device"] || "no device"}${stats["cold"] ? "; without a past" : ""}`;
  by("ms").textContent = state.ms.toFixed(state.ms < 10 ? 1 : 0);
  by("ms-more").textContent = `mean ${stats["mean-ms"].toFixed(1)}, 95 % below ${stats["p95-ms"].toFixed(1)}; the video has ${(state.duration / 1e6).toFixed(0)} a frame`;
  by("stats").replaceChildren(...Object.entries(stats).map(([name, value]) => {
    const row = document.createElement("tr");
    row.insertCell().textContent = name;
    row.insertCell().textContent = Number.isInteger(value) || typeof value !== "number" ? value : value.toPrecision(5);
    return row;
  }));
}

// Controls

class Control {
  constructor(property) {
    this.property = property;
    this.sending = this.next = null;
    this.box = element("div", {className: "control"});
    this.box.dataset.name = property.name;
    const label = element("label", {textContent: property.name, htmlFor: `set-${property.name}`});
    const back = element("button", {type: "button", className: "default", textContent: `default ${property.default || "empty"}`});
    back.onclick = () => this.send(property.default);
    this.problem = element("div", {className: "problem"});
    const blurb = element("div", {className: "blurb", textContent: property.blurb + this.remark()});
    const row = element("div", {className: "row"}, label, back);
    this.box.append(row, blurb, ...this.inputs(row), this.problem);
  }

  remark() {
    const {range, live, locked} = this.property;
    return (range ? `. ${range[0]} to ${range[1]}` : "") + (locked ? ". Set on the command line only." : live ? "" : ". Starts the pipeline again.");
  }

  inputs(row) {
    const {kind, choices, range, name, locked} = this.property;
    const types = {switch: "checkbox", text: "text", words: "text"};
    if (kind === "choice") {
      this.input = element("select", {}, ...choices.map(([nick, what]) => element("option", {value: nick, textContent: `${nick}: ${what}`})));
    } else {
      this.input = element("input", {type: types[kind] || "number"});
      if (kind === "words")
        this.input.placeholder = choices.map(([nick]) => nick).join("+");
      if (range)
        Object.assign(this.input, {min: range[0], max: range[1], step: kind === "whole" ? 1 : "any"});
    }
    this.input.id = `set-${name}`;
    this.input.disabled = locked;
    this.input.onchange = () => this.send(kind === "switch" ? String(this.input.checked) : this.input.value);
    const slides = range && kind !== "text" && range[1] - range[0] <= SLIDER;
    if (!slides) {
      if (kind === "switch" || range)
        row.append(this.input);
      return kind === "switch" || range ? [] : [this.input];
    }
    row.append(this.input);
    this.slider = element("input", {type: "range", min: 0, max: SLIDER, ariaLabel: name});
    this.slider.oninput = () => this.send(this.fromSlider(this.slider.value / SLIDER));
    return [this.slider];
  }

  // Wide ranges are finer at their low end, where the values are that one needs.
  get power() { return this.property.range[1] - this.property.range[0] > 10 ? 2 : 1; }

  fromSlider(share) {
    const [low, high] = this.property.range.map(Number);
    const value = low + (high - low) * share ** this.power;
    return this.property.kind === "whole" ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
  }

  toSlider(text) {
    const [low, high] = this.property.range.map(Number);
    return SLIDER * ((text - low) / (high - low)) ** (1 / this.power);
  }

  // One request at a time; of what is wanted meanwhile the last is sent next.
  async send(text) {
    this.next = text;
    if (this.sending)
      return;
    this.sending = true;
    while (this.next !== null) {
      const value = this.next;
      this.next = null;
      try {
        await post("set", {name: this.property.name, value});
        this.problem.textContent = "";
      } catch (error) {
        this.problem.textContent = error.message;
      }
    }
    this.sending = false;
    this.show();
  }

  get changed() { return this.property.name in state.values; }

  show() {
    this.box.classList.toggle("changed", this.changed);
    if (this.sending)
      return;
    const text = this.changed ? state.values[this.property.name] : this.property.default;
    if (this.property.kind === "switch")
      this.input.checked = text === "true";
    else if (document.activeElement !== this.input && !this.problem.textContent)
      this.input.value = text;
    if (this.slider)
      this.slider.value = this.toSlider(text);
  }
}

function element(name, members, ...children) {
  const made = Object.assign(document.createElement(name), members);
  made.append(...children);
  return made;
}

function filter() {
  const wanted = by("search").value.toLowerCase(), onlyChanged = by("only-changed").checked;
  for (const control of controls.values()) {
    const {name, blurb} = control.property;
    control.box.hidden = !`${name} ${blurb}`.toLowerCase().includes(wanted) || (onlyChanged && !control.changed);
  }
}

async function copy() {
  try {
    await navigator.clipboard.writeText(state.line);
    by("copy-line").textContent = "Copied";
    setTimeout(() => { by("copy-line").textContent = "Copy"; }, 1500);
  } catch (error) { // a browser that does not let pages write there
    getSelection().selectAllChildren(by("line"));
  }
}

async function begin() {
  const {source, properties} = await (await fetch("properties")).json();
  by("source").textContent = source;
  for (const property of properties)
    controls.set(property.name, new Control(property));
  by("controls").append(...[...controls.values()].map(control => control.box));
  by("split").oninput = split;
  by("viewer").onpointerdown = by("viewer").onpointermove = drag;
  by("play").onclick = () => transport(state.playing ? "pause" : "play");
  by("step").onclick = () => transport("step", 1);
  by("back").onclick = () => transport("step", -1);
  by("position").onchange = () => transport("seek", Math.round(by("position").value / SLIDER * state.length));
  by("zoom").onchange = () => { by("viewer").classList.toggle("zoomed", by("zoom").checked); split(); };
  by("search").oninput = by("only-changed").onchange = filter;
  by("controls").onsubmit = event => event.preventDefault();
  by("reset").onclick = async () => {
    for (const name of Object.keys(state.values))
      if (!controls.get(name).property.locked)
        await controls.get(name).send(controls.get(name).property.default);
  };
  by("copy-line").onclick = copy;
  document.addEventListener("keydown", event => {
    if (event.key === " " && event.target === document.body) {
      event.preventDefault();
      by("play").click();
    }
  });
  split();
  listen();
}

begin();
