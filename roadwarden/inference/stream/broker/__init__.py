"""NATS JetStream: frames and boxes that wait in a queue until a worker has them safe."""
