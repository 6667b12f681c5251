// Measures the page it stands in, and leaves what it found in an element of its own.
(() => {
  const channels = (text) => (text.match(/[\d.]+/g) || []).map(Number);
  const luminance = (text) => {
    const [red, green, blue] = channels(text).slice(0, 3).map((channel) => {
      const part = channel / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const contrast = (one, other) => {
    const [dark, bright] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (bright + 0.05) / (dark + 0.05);
  };
  const own = getComputedStyle(document.body).backgroundColor;
  // A page without a colour of its own is white.
  const paper = channels(own)[3] === 0 ? "rgb(255, 255, 255)" : own;
  const least = (elements, colour) =>
    Math.min(...elements.map((element) => contrast(colour(getComputedStyle(element)), paper)));
  const all = (root, what) => [...root.querySelectorAll(what)];
  const within = (a, b) =>
    a.left >= b.left - 1 && a.right <= b.right + 1 && a.top >= b.top - 1 && a.bottom <= b.bottom + 1;
  const meet = (a, b) =>
    a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
  const chart = (svg) => {
    const frame = svg.getBoundingClientRect();
    const texts = all(svg, "text").map((text) => [text.textContent, text.getBoundingClientRect()]);
    const rects = all(svg, "rect");
    const lines = all(svg, "polyline");
    return {
      title: svg.getAttribute("aria-label"),
      shapes: [...rects, ...lines].filter((shape) => shape.getBoundingClientRect().width > 0).length,
      outside: texts.filter(([, box]) => !within(box, frame)).map(([text]) => text),
      overlapping: texts
        .filter(([, box], n) => texts.slice(n + 1).some(([, other]) => meet(box, other)))
        .map(([text]) => text),
      repeated: texts
        .filter(([text], n) => texts.slice(n + 1).some(([other]) => text === other))
        .map(([text]) => text),
      label_px: Math.min(...texts.map(([, box]) => box.height)),
      text: least(all(svg, "text"), (style) => style.fill),
      shape: Math.min(
        least(rects, (style) => style.fill),
        least(lines, (style) => style.stroke),
      ),
    };
  };
  const found = {
    paper,
    text: least(all(document, "h1, h2, h3, p, th, td"), (style) => style.color),
    wider: document.documentElement.scrollWidth > window.innerWidth,
    charts: all(document, "svg").map(chart),
  };
  const output = document.createElement("output");
  output.id = "measured";
  output.textContent = JSON.stringify(found);
  document.body.append(output);
})();
