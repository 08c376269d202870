"""What `/metrics` tells Prometheus."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

DELIVERIES = Counter("whaleray_deliveries_total", "Webhooks received, by answer.", ["event", "status"])
JOBS = Histogram(
    "whaleray_job_seconds",
    "Jobs done, by queue, event and outcome.",
    ["queue", "event", "outcome"],
    buckets=(0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
QUEUE = Gauge("whaleray_queue_jobs", "Jobs in a queue, by state.", ["queue", "state"])
DEPLOYMENTS = Gauge("whaleray_deployments_in_flight", "Deployments under way, by stage.", ["stage"])
DIAGNOSES = Counter("whaleray_diagnoses_total", "Questions put to a model, by outcome.", ["model", "outcome"])
DIAGNOSIS_TOKENS = Counter(
    "whaleray_diagnosis_tokens_total", "Tokens that a model has read and written.", ["model", "direction"]
)
DIAGNOSIS_COST = Counter(
    "whaleray_diagnosis_cost_usd_total", "What its answers cost, where prices are known.", ["model"]
)
