// Counted figures in the text format of Prometheus. Loaded when somebody asks for it: it brings a library along. Knows no instrument by name.

import { PrometheusSerializer } from "@opentelemetry/exporter-prometheus";
import {
  AggregationTemporality,
  DataPointType,
  type MetricData,
  type ResourceMetrics,
} from "@opentelemetry/sdk-metrics";
import { escapeUnseen } from "../lib/unseen.ts";
import type { Gauge } from "./metric.ts";
import type { Histogram, Series } from "./series.ts";

type Time = [number, number];

/** The library wants times and prints none. */
const NEVER: Time = [0, 0];
const SPAN = { startTime: NEVER, endTime: NEVER };

export function printMetrics(
  series: readonly Series[],
  histograms: readonly Histogram[],
  gauges: readonly Gauge[],
): string {
  const metrics = [
    ...series.filter(({ points }) => points.size > 0).map(describeSeries),
    ...histograms.map(describeHistogram),
    ...gauges.flatMap(describeGauge),
  ];
  const resource = { attributes: {} } as ResourceMetrics["resource"];
  const all: ResourceMetrics = { resource, scopeMetrics: [{ scope: { name: "tokligence" }, metrics }] };
  const text = new PrometheusSerializer(undefined, false, undefined, true, true).serialize(all);
  return text.endsWith("\n") ? text : `${text}\n`;
}

function describeSeries({ name, about, labels, points }: Series): MetricData {
  return {
    descriptor: describe(name, about),
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
    dataPointType: DataPointType.SUM,
    isMonotonic: true,
    dataPoints: [...points.values()].map((point) => ({
      ...SPAN,
      attributes: label(labels.map((name, index) => [name, point.labels[index] ?? ""])),
      value: point.count,
    })),
  };
}

/** With a NUL in a name, which may be a provider's or a client's, no reader would take any of the page. */
function label(labels: readonly (readonly [string, string])[]): Record<string, string> {
  return Object.fromEntries(labels.map(([name, value]) => [name, escapeUnseen(value)]));
}

function describeHistogram({ name, about, bounds, counts, sum, count }: Histogram): MetricData {
  return {
    descriptor: describe(name, about),
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
    dataPointType: DataPointType.HISTOGRAM,
    dataPoints: [
      { ...SPAN, attributes: {}, value: { buckets: { boundaries: [...bounds], counts: [...counts] }, sum, count } },
    ],
  };
}

function describeGauge(gauge: Gauge): MetricData[] {
  const { name, about } = gauge;
  const common = { descriptor: describe(name, about), aggregationTemporality: AggregationTemporality.CUMULATIVE };
  if ("points" in gauge) {
    const points = gauge
      .points()
      .map(({ labels, value }) => ({ ...SPAN, attributes: label(Object.entries(labels)), value }));
    if (points.length === 0) return [];
    return gauge.isCounter === true
      ? [{ ...common, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints: points }]
      : [{ ...common, dataPointType: DataPointType.GAUGE, dataPoints: points }];
  }
  const value = gauge.read();
  if (value === null) return [];
  const dataPoints = [{ ...SPAN, attributes: {}, value }];
  if (gauge.isCounter === true) return [{ ...common, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints }];
  return [{ ...common, dataPointType: DataPointType.GAUGE, dataPoints }];
}

/** Of which type the values are is of no use to the text. */
function describe(name: string, description: string): MetricData["descriptor"] {
  return { name, description, unit: "" } as MetricData["descriptor"];
}
