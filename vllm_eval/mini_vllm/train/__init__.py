"""How the bundled model was made: ``tower`` teaches it to see, ``language`` to answer. Resumable."""
