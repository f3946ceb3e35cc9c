"""CloudFormation: types the emulator lacks, each with create, update, replacement and delete."""
