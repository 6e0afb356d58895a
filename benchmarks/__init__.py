"""What the summary tables cost, beside what people use today: bin/benchmark."""
