// One popover for whatever has the pointer or the focus. It stays while the pointer is on it.

const popover = byId("popover");
const LINGER = 150; // milliseconds to get from an element to its popover
let explained = null;
let leaving = 0;

/** Show `content()` while `target` has the pointer or the focus. */
function explain(target, content) {
  const show = () => showPopover(target, content);
  target.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && show());
  target.addEventListener("pointerleave", hideSoon);
  target.addEventListener("focus", show);
  target.addEventListener("blur", hidePopover);
  target.addEventListener("click", show);
  target.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    show();
  });
}

function showPopover(target, content) {
  clearTimeout(leaving);
  explained = target;
  popover.replaceChildren(...content().filter((node) => node !== null));
  popover.hidden = false;
  const gap = 6;
  const place = target.getClientRects()[0] ?? target.getBoundingClientRect();
  const below = place.bottom + gap;
  const fits = below + popover.offsetHeight <= window.innerHeight;
  const top = fits ? below : Math.max(place.top - gap - popover.offsetHeight, gap);
  const left = Math.min(place.left, document.documentElement.clientWidth - popover.offsetWidth - 8);
  popover.style.top = `${top}px`;
  popover.style.left = `${Math.max(left, 8)}px`;
}

function hidePopover() {
  clearTimeout(leaving);
  popover.hidden = true;
  explained = null;
}

function hideSoon() {
  clearTimeout(leaving);
  leaving = setTimeout(() => {
    if (explained !== document.activeElement) hidePopover();
  }, LINGER);
}

popover.addEventListener("pointerenter", () => clearTimeout(leaving));
popover.addEventListener("pointerleave", hideSoon);
document.addEventListener("scroll", () => popover.hidden || hidePopover(), { passive: true });
