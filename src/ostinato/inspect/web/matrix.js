// A matrix of numbers as a picture: a square for each, the darker the larger.

/** Draw values [rows, columns] into a canvas; `colour` turns a value into red, green, blue and opacity. */
export function matrix(rows, columns, valueAt, colour, side = 18) {
  const canvas = document.createElement("canvas");
  canvas.width = columns;
  canvas.height = rows;
  canvas.className = "matrix";
  canvas.style.width = `${columns * side}px`;
  canvas.style.height = `${rows * side}px`;
  const pixels = new ImageData(columns, rows);
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const [red, green, blue, share] = colour(valueAt(row, column));
      pixels.data.set([red, green, blue, Math.round(255 * Math.min(1, share))], 4 * (row * columns + column));
    }
  }
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  return canvas;
}

/** Row and column of a square that is pointed at. */
export function squareAt(canvas, event) {
  const box = canvas.getBoundingClientRect();
  return [
    Math.min(canvas.height - 1, Math.floor(((event.clientY - box.top) / box.height) * canvas.height)),
    Math.min(canvas.width - 1, Math.floor(((event.clientX - box.left) / box.width) * canvas.width)),
  ];
}
