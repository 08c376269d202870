// Shows what has changed without a reload: parts marked data-live are replaced, forms and what is typed there stay.
"use strict";

const EVERY_MS = 1500;
const shown = new Map();

function opened(part) {
  return [...part.querySelectorAll("details")].map((each) => each.open);
}

function replace(here, html) {
  const open = opened(here);
  here.innerHTML = html;
  here.querySelectorAll("details").forEach((each, number) => {
    if (number < open.length) each.open = open[number];
  });
}

async function look() {
  if (document.hidden) return;
  const answer = await fetch(location.href, { cache: "no-store" });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const here of document.querySelectorAll("[data-live]")) {
    const there = fresh.getElementById(here.id);
    if (!there || shown.get(here.id) === there.innerHTML) continue;
    if (shown.has(here.id) || there.innerHTML !== here.innerHTML) replace(here, there.innerHTML);
    shown.set(here.id, there.innerHTML);
  }
}

async function keepLooking() {
  try {
    await look();
  } catch {
    // The sandbox is gone or away for a moment: the next look will tell.
  }
  setTimeout(keepLooking, EVERY_MS);
}

document.documentElement.classList.add("script");
for (const select of document.querySelectorAll("select[data-submits]")) {
  select.addEventListener("change", () => select.form.submit());
}
if (document.querySelector("[data-live]")) setTimeout(keepLooking, EVERY_MS);
