"use strict";

// Every picture is in the page once, as base64 text; whatever shows it shares one address.
const addresses = new Map();

function addressOf(id) {
  if (!addresses.has(id)) {
    const store = document.getElementById(id);
    const bytes = Uint8Array.from(atob(store.textContent), (letter) => letter.charCodeAt(0));
    addresses.set(id, URL.createObjectURL(new Blob([bytes], { type: store.dataset.format })));
  }
  return addresses.get(id);
}

function fillLayer(layer) {
  const image = document.createElement("img");
  image.alt = layer.dataset.label;
  image.draggable = false;
  image.src = addressOf(layer.dataset.picture);
  layer.replaceChildren(image);
}

function drawCrop(canvas) {
  const { left, top, picture } = canvas.dataset;
  const { width, height } = canvas;
  const image = new Image();
  image.onload = () => {
    canvas.getContext("2d").drawImage(image, Number(left), Number(top), width, height, 0, 0, width, height);
    canvas.dataset.drawn = "true";
  };
  image.src = addressOf(picture);
}

function moveSplit(stage, percent) {
  const range = stage.querySelector("input");
  const bounded = Math.min(100, Math.max(0, percent));
  const label = stage.querySelector(".of-left").textContent;
  stage.style.setProperty("--split", `${bounded}%`);
  range.value = String(bounded);
  range.setAttribute("aria-valuetext", `${Math.round(bounded)} percent ${label}`);
}

function followPointer(stage, event) {
  const box = stage.getBoundingClientRect();
  moveSplit(stage, (100 * (event.clientX - box.left)) / box.width);
}

// A finger that moves up or down scrolls the page; it takes the split only when it moves sideways, or taps.
function goesSideways(event, start) {
  const [across, along] = [Math.abs(event.clientX - start.x), Math.abs(event.clientY - start.y)];
  return across > Math.max(4, along);
}

function prepareStage(stage) {
  const range = stage.querySelector("input");
  let undecided = null;
  range.addEventListener("input", () => moveSplit(stage, Number(range.value)));
  stage.addEventListener("mousedown", (event) => event.preventDefault()); // the focus stays on the range
  stage.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    stage.setPointerCapture(event.pointerId);
    range.focus({ preventScroll: true });
    undecided = event.pointerType === "touch" ? { x: event.clientX, y: event.clientY } : null;
    if (!undecided) followPointer(stage, event);
  });
  stage.addEventListener("pointermove", (event) => {
    if (!stage.hasPointerCapture(event.pointerId)) return;
    if (undecided && !goesSideways(event, undecided)) return;
    undecided = null;
    followPointer(stage, event);
  });
  stage.addEventListener("pointerup", (event) => {
    if (stage.hasPointerCapture(event.pointerId)) followPointer(stage, event);
  });
  moveSplit(stage, Number(range.value));
}

function prepareChoice(figure) {
  const stage = figure.querySelector(".stage");
  const layer = stage.querySelector(".left");
  const buttons = figure.querySelectorAll("button");
  for (const button of buttons) {
    button.addEventListener("click", () => {
      for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
      Object.assign(layer.dataset, { picture: button.dataset.picture, label: button.dataset.label });
      stage.querySelector(".of-left").textContent = button.textContent;
      stage.querySelector("input").setAttribute("aria-label", button.dataset.range);
      moveSplit(stage, Number(stage.querySelector("input").value));
      fillLayer(layer);
    });
  }
}

function fillCard(card) {
  card.querySelectorAll(".layer").forEach(fillLayer);
  card.querySelectorAll("canvas").forEach(drawCrop);
}

document.querySelectorAll(".split").forEach(prepareStage);
document.querySelectorAll(".compare").forEach(prepareChoice);
const near = new IntersectionObserver(
  (entries) => {
    for (const entry of entries.filter((each) => each.isIntersecting)) {
      near.unobserve(entry.target);
      fillCard(entry.target);
    }
  },
  { rootMargin: "800px" },
);
document.querySelectorAll(".card").forEach((card) => near.observe(card));
