"""What crosses a service border: frozen Pydantic models with a schema version, and task names."""
