"""The database: the mirror of the trackers, which a full pull fetches again, and the loaded record.

``mirror`` takes pages in, ``passes`` remembers how far each project was read, ``vanishing`` what the trackers no longer
show, ``people`` forgets, ``handover`` gives to the record what no tracker tells again; ``database`` is the file itself.
"""

from pmo_sync.store.database import schema_version
from pmo_sync.store.mirror import Store

__all__ = ["Store", "schema_version"]
