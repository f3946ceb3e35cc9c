"""Review of a change: what two versions of the templates differ in, where a reviewer must look."""
