/** One histogram of a metrics endpoint: how many samples were at most so large. */
export interface Histogram {
  readonly labels: Readonly<Record<string, string>>;
  /** Upper bounds, ascending, with the cumulated counts; the last bound is infinite. */
  readonly buckets: readonly { readonly atMost: number; readonly count: number }[];
}

const SAMPLE = /^([a-zA-Z_:][\w:]*)_bucket\{(.*)\} +(\S+)(?: +-?\d+)?$/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;

/** Reads the histograms of a name out of the text that Prometheus scrapes. Anything else is ignored. */
export function parseHistograms(text: string, name: string): readonly Histogram[] {
  const found = new Map<string, { labels: Record<string, string>; buckets: Map<number, number> }>();
  for (const line of text.split('\n')) {
    const [, metric, labelText = '', value] = SAMPLE.exec(line) ?? [];
    if (metric !== name) continue;
    const { le, ...labels } = Object.fromEntries(
      [...labelText.matchAll(LABEL)].map(([, key = '', raw = '']) => [key, raw.replaceAll(/\\(.)/g, '$1')]),
    );
    const atMost = le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le);
    const count = Number(value);
    if (Number.isNaN(atMost) || !Number.isFinite(count)) continue;
    const id = JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)));
    const histogram = found.get(id) ?? { labels, buckets: new Map<number, number>() };
    histogram.buckets.set(atMost, (histogram.buckets.get(atMost) ?? 0) + count);
    found.set(id, histogram);
  }
  return [...found.values()].map(({ labels, buckets }) => ({
    labels,
    buckets: [...buckets]
      .map(([atMost, count]) => ({ atMost, count }))
      .toSorted((a, b) => a.atMost - b.atMost),
  }));
}

/** Adds histograms with the same bounds, such as those of several processes; bounds that one lacks are left out. */
export function addHistograms(histograms: readonly Histogram[]): Histogram['buckets'] {
  const sums = new Map<number, { count: number; parts: number }>();
  for (const { buckets } of histograms) {
    for (const { atMost, count } of buckets) {
      const sum = sums.get(atMost) ?? { count: 0, parts: 0 };
      sums.set(atMost, { count: sum.count + count, parts: sum.parts + 1 });
    }
  }
  return [...sums]
    .filter(([, { parts }]) => parts === histograms.length)
    .map(([atMost, { count }]) => ({ atMost, count }))
    .toSorted((a, b) => a.atMost - b.atMost);
}

/** What is known of a quantile: it lies between two bounds. Null without samples. */
export interface Quantile {
  /** Interpolated, as Prometheus does; the highest finite bound where it lies above that. */
  readonly estimate: number;
  /** The bound that it certainly does not exceed; infinite above the highest one. */
  readonly atMost: number;
}

/** Estimates a quantile of cumulated buckets. */
export function quantileOf(buckets: Histogram['buckets'], quantile: number): Quantile | null {
  const total = buckets.at(-1)?.count ?? 0;
  if (total === 0) return null;
  const rank = quantile * total;
  const index = buckets.findIndex(({ count }) => count >= rank);
  const bucket = buckets[index];
  if (bucket === undefined) return null;
  const below = buckets[index - 1] ?? { atMost: 0, count: 0 };
  if (!Number.isFinite(bucket.atMost)) return { estimate: below.atMost, atMost: bucket.atMost };
  const share = bucket.count === below.count ? 1 : (rank - below.count) / (bucket.count - below.count);
  return { estimate: below.atMost + (bucket.atMost - below.atMost) * share, atMost: bucket.atMost };
}
