"""Credit held by this worker: pots (memory), treasurer (database), lease (who may hold)."""
