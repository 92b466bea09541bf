// In which order to go: what is late or severe first, then the rest; within each the shortest way from where one stands,
// by nearest neighbour and then by turning stretches around while that shortens it (2-opt). Straight lines, not streets.

const metres = (a, b) => {
  const x = (b.lon - a.lon) * Math.cos(((a.lat + b.lat) / 2) * (Math.PI / 180));
  return 111320 * Math.hypot(x, b.lat - a.lat);
};

function nearest(start, jobs) {
  const rest = [...jobs];
  const found = [];
  for (let here = start ?? rest[0]?.place; rest.length; here = found.at(-1).place) {
    const next = rest.reduce((best, job) => (metres(here, job.place) < metres(here, best.place) ? job : best));
    found.push(...rest.splice(rest.indexOf(next), 1));
  }
  return found;
}

const length = (start, jobs) => jobs.reduce(([sum, here], job) => [sum + (here ? metres(here, job.place) : 0), job.place], [0, start])[0];

function turned(start, jobs) {
  let best = jobs;
  for (let again = true, rounds = 0; again && rounds < 40; rounds++) {
    again = false;
    for (let i = 0; i < best.length - 1; i++)
      for (let j = i + 1; j < best.length; j++) {
        const other = [...best.slice(0, i), ...best.slice(i, j + 1).reverse(), ...best.slice(j + 1)];
        if (length(start, other) < length(start, best) - 0.5) {
          best = other;
          again = true;
        }
      }
  }
  return best;
}

export function routed(jobs, start) {
  const placed = jobs.filter((job) => job.place);
  const urgent = placed.filter((job) => job.light === "red" || job.severity === "severe");
  const others = placed.filter((job) => !urgent.includes(job));
  const first = turned(start, nearest(start, urgent));
  const then = first.at(-1)?.place ?? start;
  return [...first, ...turned(then, nearest(then, others)), ...jobs.filter((job) => !job.place)];
}

export { metres };
