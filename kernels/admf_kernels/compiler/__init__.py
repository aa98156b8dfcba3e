"""From a driver's source to native code: digests, compilation, the cache, loading."""
