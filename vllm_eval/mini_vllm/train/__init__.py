"""How the bundled model was made: ``tower`` teaches it to see, ``language`` teaches it to answer. Resumable."""
