"""What a server tells Prometheus."""

from collections.abc import Callable


class Metrics:
    """The counts of one server.

    Args:
        waiting: gives the number of pictures that wait.

    Raises:
        ImportError: without prometheus-client.
    """

    def __init__(self, waiting: Callable[[], int]) -> None:
        try:
            import prometheus_client as prometheus
        except ImportError as error:
            raise ImportError(
                "Metrics need prometheus-client: pip install 'keras-stargan[serve]'."
            ) from error
        registry = prometheus.CollectorRegistry()
        # The process' own figures: CPU time, memory, open files (on Linux).
        prometheus.ProcessCollector(registry=registry)
        self._text = lambda: prometheus.generate_latest(registry)
        self.content_type = prometheus.CONTENT_TYPE_LATEST
        self.requests = prometheus.Counter(
            "keras_stargan_requests",
            "Requests for predictions, by the code of the answer.",
            ["code"],
            registry=registry,
        )
        self.seconds = prometheus.Histogram(
            "keras_stargan_request_seconds",
            "Seconds from a request's header to its answer, if that is 200.",
            registry=registry,
            buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30),
        )
        self.rows = prometheus.Histogram(
            "keras_stargan_batch_pictures",
            "Pictures (rows of inputs) that were run together.",
            registry=registry,
            buckets=(1, 2, 4, 8, 16, 32, 64),
        )
        self.pictures = prometheus.Counter(
            "keras_stargan_pictures",
            "Pictures (rows of inputs) in answers with code 200.",
            registry=registry,
        )
        self.rejected = prometheus.Counter(
            "keras_stargan_rejected",
            "Requests that were refused since too many waited.",
            registry=registry,
        )
        prometheus.Gauge(
            "keras_stargan_waiting_pictures",
            "Pictures (rows of inputs) that wait to be run.",
            registry=registry,
        ).set_function(waiting)

    def text(self) -> bytes:
        """All of them, in Prometheus' form."""
        return self._text()
