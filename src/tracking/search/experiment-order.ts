/** The order of experiments where none is asked for (`sqlalchemy_store.py`, `file_store.py`). */
export const EXPERIMENT_ORDER: readonly string[] = ['creation_time DESC', 'experiment_id ASC'];
