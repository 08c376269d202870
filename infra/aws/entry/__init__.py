"""What Lambda calls: one module a function, each with its `handler(event, context)`."""
