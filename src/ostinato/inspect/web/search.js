// A worker: how well each unit tells a run of symbols from the rest, by the area under the curve.

function area(values, first, last) {
  // Values are whole numbers from -127 to 127, so that ranks are counted and nothing is sorted.
  const inside = new Float64Array(256);
  const every = new Float64Array(256);
  values.forEach((value, place) => {
    every[value + 128] += 1;
    if (place >= first && place <= last) inside[value + 128] += 1;
  });
  const yes = last - first + 1;
  const no = values.length - yes;
  let below = 0;
  let sum = 0;
  for (let level = 0; level < 256; level += 1) {
    const outside = every[level] - inside[level];
    sum += inside[level] * (below + outside / 2);
    below += outside;
  }
  return sum / (yes * no);
}

onmessage = ({ data: { values, count, first, last } }) => {
  const areas = new Float32Array(values.length / count);
  for (let unit = 0; unit < areas.length; unit += 1) {
    areas[unit] = area(values.subarray(unit * count, (unit + 1) * count), first, last);
  }
  postMessage(areas);
};
