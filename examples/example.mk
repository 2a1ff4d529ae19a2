# example.mk: what the Makefiles of the examples share.
#
#   $(NET).cnn --cnnc--> $(NET).c --cc, libcnn--> $(NET)
#   with MAIN = main.c:  $(NET).c and $(NET).h for inference alone, built with main.c and without libcnn
#
# cnnc and libcnn are those of ../../build, or the installed ones if nothing was built there.
#   make CNNCFLAGS="-D filters=16"      other options for the compiler
#   make train TRAIN="--epochs 1"       other options for the program

BUILD ?= ../../build
CFLAGS ?= -O3 -march=native

ifneq ($(wildcard $(BUILD)/compiler/cnnc),)
CNNC ?= $(BUILD)/compiler/cnnc
LIBCNN ?= $(BUILD)/runtime/libcnn.a
else
CNNC ?= cnnc
LIBCNN ?= -lcnn
endif

# Where the programs look for data sets; ../get-data.sh puts them there.
CNN_DATA ?= ../../data
export CNN_DATA

ifdef MAIN
$(NET): $(MAIN) $(NET).c
	$(CC) -std=c11 $(CFLAGS) $^ -lm -o $@
$(NET).c: $(NET).cnn $(wildcard $(CNNC))
	$(CNNC) --infer $(CNNCFLAGS) $< -o $@ -o $(NET).h
else
$(NET): $(NET).c $(wildcard $(LIBCNN))
	$(CC) -std=c11 $(CFLAGS) $< $(LIBCNN) -lz -fopenmp -lm -o $@
$(NET).c: $(NET).cnn $(wildcard $(CNNC))
	$(CNNC) --main $(CNNCFLAGS) $< -o $@
train: $(NET)
	./$(NET) train $(TRAIN)
endif

clean:
	rm -f $(NET) $(NET).c $(NET).h

.PHONY: train clean
