/** One line of a chart: a name, and its points. */
export interface Series {
  readonly name: string;
  readonly color: string;
  readonly isDashed: boolean;
  readonly points: readonly (readonly [x: number, y: number])[];
}

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [920, 480, 70, 310, 50, 50];

/** A picture of lines on scales of tens, both ways, as SVG. */
export function drawLines(
  title: string,
  xName: string,
  yName: string,
  all: readonly Series[],
): string {
  const points = all.flatMap((series) => series.points);
  const scaleX = scale(
    points.map(([x]) => x),
    LEFT,
    WIDTH - RIGHT,
  );
  const scaleY = scale(
    points.map(([, y]) => y),
    HEIGHT - BOTTOM,
    TOP,
  );
  const parts = [
    text(LEFT, 24, title, 'font-size="16" font-weight="bold"'),
    ...scaleX.ticks.flatMap((x) => [
      line(
        [
          [scaleX.at(x), TOP],
          [scaleX.at(x), HEIGHT - BOTTOM],
        ],
        '#ddd',
      ),
      text(scaleX.at(x), HEIGHT - BOTTOM + 18, x.toLocaleString('en'), 'text-anchor="middle"'),
    ]),
    ...scaleY.ticks.flatMap((y) => [
      line(
        [
          [LEFT, scaleY.at(y)],
          [WIDTH - RIGHT, scaleY.at(y)],
        ],
        '#ddd',
      ),
      text(LEFT - 8, scaleY.at(y) + 4, y.toLocaleString('en'), 'text-anchor="end"'),
    ]),
    text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, xName, 'text-anchor="middle"'),
    text(LEFT, TOP - 8, yName),
    ...all.flatMap((series, index) => drawSeries(series, index, scaleX.at, scaleY.at)),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">
<title>${title}</title>
<rect width="100%" height="100%" fill="white"/>
${parts.join('\n')}
</svg>
`;
}

type Place = (value: number) => number;

function drawSeries(
  { name, color, isDashed, points }: Series,
  index: number,
  x: Place,
  y: Place,
): string[] {
  const dash = isDashed ? '6 4' : '';
  const placed = points.map(([a, b]) => [x(a), y(b)] as const);
  const legendY = TOP + 20 + index * 22;
  const legendX = WIDTH - RIGHT + 20;
  return [
    line(placed, color, dash),
    ...placed.map(
      ([cx, cy]) => `<circle cx="${cx.toFixed(1)}" cy="${cy.toFixed(1)}" r="3" fill="${color}"/>`,
    ),
    line(
      [
        [legendX, legendY],
        [legendX + 30, legendY],
      ],
      color,
      dash,
    ),
    text(legendX + 38, legendY + 4, name),
  ];
}

/** A scale of tens over `values`, from one place of the picture to another. */
function scale(
  values: readonly number[],
  from: number,
  to: number,
): { at: Place; ticks: readonly number[] } {
  const low = Math.floor(Math.log10(Math.min(...values)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))));
  return {
    at: (value) => from + ((Math.log10(value) - low) / (high - low)) * (to - from),
    ticks: Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index)),
  };
}

function line(points: readonly (readonly [number, number])[], color: string, dash = ''): string {
  const path = points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(' ');
  return `<polyline points="${path}" fill="none" stroke="${color}" stroke-width="${color === '#ddd' ? 1 : 2}" stroke-dasharray="${dash}"/>`;
}

function text(x: number, y: number, words: string, more = ''): string {
  const safe = words.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${more}>${safe}</text>`;
}
