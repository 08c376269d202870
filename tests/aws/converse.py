"""A server that speaks Bedrock's Converse: it checks what it is asked, and answers as it is told."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

ANSWER: dict[str, Any] = {
    "status": "diagnosed",
    "summary": "`GreetingService` is not a bean.",
    "issues": [
        {
            "severity": "error",
            "title": "A bean is missing",
            "cause": "No bean of type `GreetingService` is defined.",
            "file": "src/main/java/com/example/HelloController.java",
            "line": 12,
            "evidence": [{"line": 3, "quote": "required a bean of type 'com.example.GreetingService'"}],
            "fix": "Annotate the class with `@Service`.",
        }
    ],
    "recommendations": ["Start the application in a test."],
    "confidence": "high",
}
Reply = Callable[[dict[str, Any]], tuple[int, dict[str, Any]]]


def says(answer: Any, stop: str = "tool_use") -> Reply:
    """The tool is called with `answer`, after a word of thought."""
    content: list[dict[str, Any]] = [
        {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "x"}}},
        {"text": "Let me report."},
        {"toolUse": {"toolUseId": "t1", "name": "report_diagnosis", "input": answer}},
    ]
    return lambda _: (200, _message(content, stop))


def writes(text: str, stop: str = "end_turn") -> Reply:
    return lambda _: (200, _message([{"text": text}] if text else [], stop))


def refuses(status: int, code: str, message: str) -> Reply:
    return lambda _: (status, {"__type": code, "message": message})


def _message(content: list[dict[str, Any]], stop: str) -> dict[str, Any]:
    return {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": stop,
        "usage": {"inputTokens": 2_000, "outputTokens": 400, "totalTokens": 2_400},
        "metrics": {"latencyMs": 900},
    }


class Converse:
    """Gives the next of `replies` to each request; the last one stays. `hold` keeps it from answering."""

    def __init__(self) -> None:
        self.replies: list[Reply] = [says(ANSWER)]
        self.asked: list[dict[str, Any]] = []
        self.models: list[str] = []
        self.hold = threading.Event()
        self.hold.set()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                status, answer = server.answer(
                    self.path, dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))
                )
                server.hold.wait(30)
                body = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                if "__type" in answer:
                    self.send_header("x-amzn-ErrorType", answer["__type"])
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, Any]]:
        _, _, model, operation = path.split("/")
        if operation != "converse" or not headers.get("Authorization", "").startswith("AWS4-HMAC-SHA256 Credential="):
            return 403, {"__type": "UnrecognizedClientException", "message": "not signed"}
        asked = json.loads(body)
        if wrong := _wrong(asked):
            return 400, {"__type": "ValidationException", "message": wrong}
        self.models.append(unquote(model))
        self.asked.append(asked)
        return self.replies[min(len(self.asked), len(self.replies)) - 1](asked)

    def close(self) -> None:
        self.hold.set()
        self.server.shutdown()
        self.server.server_close()


def _wrong(asked: dict[str, Any]) -> str:
    """What current models of Claude refuse."""
    if set(asked.get("inferenceConfig", {})) - {"maxTokens"}:
        return "sampling parameters are not supported by this model"
    if set(asked.get("additionalModelRequestFields", {})) - {"thinking"}:
        return "unknown request field"
    if [message["role"] for message in asked["messages"]] != ["user"]:
        return "prefill is not supported by this model"
    (tool,) = asked["toolConfig"]["tools"]
    schema = tool["toolSpec"]["inputSchema"]["json"]
    if schema["type"] != "object" or "$ref" in json.dumps(schema):
        return "the schema is no object"
    return ""
