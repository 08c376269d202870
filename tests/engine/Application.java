// A stand-in for a Spring Boot application, so that a test of an engine takes a second: it listens where Spring Boot
// would, answers /health, and misbehaves as its environment says.
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

public class Application {
    static String set(String name, String otherwise) {
        return System.getenv().getOrDefault(name, otherwise);
    }

    static void answer(HttpExchange exchange, int status, String text) throws IOException {
        byte[] body = text.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }

    static String read(String path) {
        try {
            return Files.isDirectory(Path.of(path)) ? String.join(" ", Path.of(path).toFile().list()) : Files.readString(Path.of(path));
        } catch (IOException | RuntimeException error) {
            return "refused: " + error.getClass().getSimpleName();
        }
    }

    public static void main(String[] arguments) throws Exception {
        System.out.println("starting");
        if (!set("TEST_EXIT", "").isEmpty()) {
            System.err.println("Error: the database is on fire");
            System.exit(Integer.parseInt(set("TEST_EXIT", "1")));
        }
        if (set("TEST_IGNORE_TERM", "").equals("yes")) {
            Runtime.getRuntime().addShutdownHook(new Thread(() -> {
                System.out.println("not yet");
                try { Thread.sleep(Long.MAX_VALUE); } catch (InterruptedException ignored) { }
            }));
        }
        Thread.sleep(Long.parseLong(set("TEST_SLOW_MS", "0")));
        InetSocketAddress address = new InetSocketAddress(set("SERVER_ADDRESS", "0.0.0.0"), Integer.parseInt(set("SERVER_PORT", "8080")));
        HttpServer server = HttpServer.create(address, 0);
        boolean sick = set("TEST_SICK", "").equals("yes");
        server.createContext("/health", exchange -> answer(exchange, sick ? 503 : 200, sick ? "DOWN" : "UP"));
        server.createContext("/crash", exchange -> Runtime.getRuntime().halt(7));
        server.createContext("/environment", exchange -> answer(exchange, 200, String.join("\n", System.getenv().entrySet().stream().map(Object::toString).toList())));
        server.createContext("/read", exchange -> answer(exchange, 200, read(exchange.getRequestURI().getQuery())));
        server.createContext("/eat", exchange -> {
            java.util.List<java.nio.ByteBuffer> held = new java.util.ArrayList<>();
            while (true) {
                held.add(java.nio.ByteBuffer.allocateDirect(16 << 20));
                held.get(held.size() - 1).put(new byte[16 << 20]);
            }
        });
        server.createContext("/", exchange -> answer(exchange, 200, set("TEST_SAYS", "hello") + " from " + new String(Application.class.getResourceAsStream("/version").readAllBytes(), StandardCharsets.UTF_8).trim()));
        server.start();
        System.out.println("listening");
    }
}
