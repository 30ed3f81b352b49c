// What a reader would call broken, found by geometry: a page wider than its window, boxes that
// scroll sideways, words cut off at a box or a drawing, words that lie over words or over pictures.
() => {
  const found = [], wide = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > wide) found.push(`the page is ${document.documentElement.scrollWidth} px wide in ${wide}`);
  const shown = (box) => box.width > 0 && box.height > 0;
  for (const box of document.querySelectorAll("body *")) {
    const style = getComputedStyle(box);
    if (/auto|scroll/.test(style.overflowX) && box.scrollWidth > box.clientWidth + 1 && shown(box.getBoundingClientRect()))
      found.push(`${box.id || box.className} scrolls sideways: ${box.scrollWidth} in ${box.clientWidth}`);
  }
  const words = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const parent = node.parentElement, text = node.data.trim();
    if (!text || /SCRIPT|STYLE|OPTION|TITLE/i.test(parent.tagName) || parent.closest("[hidden]")) continue;
    if (!parent.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true })) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const rects = parent instanceof SVGElement ? [parent.getBoundingClientRect()] : [...range.getClientRects()];
    for (const rect of rects) if (shown(rect)) words.push({ parent, text: text.slice(0, 40), rect });
  }
  for (const { parent, text, rect } of words) {
    if (rect.left < -1 || rect.right > wide + 1) found.push(`"${text}" leaves the page`);
    const drawing = parent.closest("svg");
    for (let box = parent; box && box !== document.body; box = box.parentElement) {
      const clips = box === drawing || (!(box instanceof SVGElement) && /hidden|clip|auto/.test(getComputedStyle(box).overflowX));
      if (!clips) continue;
      const edge = box.getBoundingClientRect();
      if (rect.left < edge.left - 1 || rect.right > edge.right + 1) found.push(`"${text}" is cut off at ${box.id || box.className.baseVal || box.className || box.tagName}`);
      if (box === drawing && (rect.top < edge.top - 3 || rect.bottom > edge.bottom + 3)) found.push(`"${text}" is cut off above or below`);
    }
  }
  const solid = (rect) => ({ left: rect.left + 1, right: rect.right - 1, top: rect.top + 0.25 * rect.height, bottom: rect.bottom - 0.25 * rect.height });
  const over = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
  const scrolled = (element) => { const box = element.closest(".scroll"); return box && box.scrollHeight > box.clientHeight + 1; };
  const places = words.filter((word) => !scrolled(word.parent)).map((word) => ({ ...word, ...solid(word.rect) })).sort((a, b) => a.top - b.top);
  places.forEach((a, i) => {
    for (let j = i + 1; j < places.length && places[j].top < a.bottom; j++)
      if (over(a, places[j])) found.push(`"${a.text}" and "${places[j].text}" overlap`);
  });
  for (const picture of document.querySelectorAll("img, canvas, .plot > svg, svg.trace")) {
    const edge = picture.getBoundingClientRect();
    if (!shown(edge) || !picture.checkVisibility()) continue;
    for (const word of places) if (!picture.contains(word.parent) && !word.parent.closest(".tip") && over(word, edge)) found.push(`"${word.text}" lies over a picture`);
  }
  return [...new Set(found)];
}
