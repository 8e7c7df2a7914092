"""What other programs call our flags, and what we have instead of those of theirs that we lack."""

# Our flag -> what others call it. Of two lines with one name, the first whose flag a script has is the script's.
RENAMED = (
    ("dataset", "data data_path dataset_path dataset_name data_root datadir train_dir train_data train_path test_dir "
     "test_data input input_dir images images_dir image_dir folder root source src"),
    ("labels_csv", "labels label_file labels_file labels_path label_csv annotations annotation_file csv_file "
     "csv_path train_csv train_labels"),
    ("image_size", "img_size imgsz imgsize img input_size size resolution resize crop_size img_height img_width "
     "image_height image_width height width s"),
    ("color_mode", "channels num_channels in_chans grayscale grey gray color colour rgb"),
    ("split_fractions", "val_split validation_split valid_split test_split train_split val_fraction test_fraction "
     "val_size test_size train_size val_ratio test_ratio split_ratio valid_pct split val_percent"),
    ("split_seed", "random_state"),
    ("full_train", "train_all use_all_data"),
    ("cache", "cache_images cache_mode no_cache"),
    ("cache_dir", "cachedir cache_path"),
    ("augment", "aug augmentation augmentations data_augmentation use_augmentation augs transforms"),
    ("rotate_degrees", "rotate rotation rotation_range degrees rotation_degrees"),
    ("shift_fraction", "shift translate translation width_shift_range height_shift_range"),
    ("shear_degrees", "shear shear_range"),
    ("zoom_fraction", "zoom zoom_range scale"),
    ("horizontal_flip", "hflip fliplr flip flip_lr flip_horizontal random_flip mirror"),
    ("vertical_flip", "vflip flipud flip_ud flip_vertical"),
    ("brightness_fraction", "brightness brightness_range color_jitter jitter"),
    ("contrast_fraction", "contrast contrast_range"),
    ("model", "arch architecture backbone network net model_name model_type model_arch base_model encoder a"),
    ("dropout", "dropout_rate drop drop_rate drop_prob"),
    ("filters", "num_filters"),
    ("units", "hidden hidden_units dense_units"),
    ("epochs", "epoch num_epochs n_epochs nb_epochs max_epochs num_train_epochs training_epochs e ep"),
    ("global_batch_size", "batch_size batch batchsize bs b mini_batch_size train_batch_size "
     "per_device_train_batch_size per_gpu_batch_size batch_size_per_gpu"),
    ("learning_rate", "lr lr0 base_lr init_lr initial_lr max_lr initial_learning_rate learn_rate learningrate eta"),
    ("optimizer", "opt optim optimiser solver"),
    ("schedule", "scheduler sched lr_scheduler lr_schedule lr_policy lr_decay cos_lr cosine"),
    ("warmup_epochs", "warmup warm_up lr_warmup_epochs"),
    ("early_stop_patience", "patience early_stop early_stopping early_stopping_patience es_patience"),
    ("precision", "amp use_amp fp16 float16 bf16 bfloat16 half mixed_precision dtype autocast"),
    ("strategy", "distribute distributed ddp multi_gpu data_parallel distribution_strategy"),
    ("checkpoint_every_steps", "save_steps save_every save_freq save_period save_interval checkpoint_freq "
     "checkpoint_interval"),
    ("profile_steps", "profile profiler profile_batch"),
    ("seed", "random_seed manual_seed rng_seed rng"),
    ("threads", "workers num_workers n_workers j jobs n_jobs num_threads cpus data_workers"),
    ("csv", "output out o output_csv csv_path save_csv output_file out_file outfile output_path output_dir out_dir "
     "results save"),
    ("run", "model model_path model_dir weights checkpoint ckpt ckpt_path saved_model run_dir load load_model arch m "
     "w"),
    ("out_dir", "output out o outdir output_dir output_path save_dir save_path log_dir logdir run_dir results_dir "
     "project name"),
    ("run_dir", "output out o out_dir outdir output_dir output_path save_dir save_path log_dir logdir work_dir workdir "
     "model_dir exp_dir results_dir checkpoint_dir ckpt_dir run_name exp experiment project name"),
)  # fmt: skip

# Names -> what is said of them, by the first line whose flags the script has, all of them.
SAID = (
    ("pretrained pretrained_weights imagenet load_weights init_weights from_pretrained checkpoint ckpt transfer",
     "--weights=imagenet starts a --model that keras.applications knows, as mobilenet_v2, from pretrained weights"),
    ("freeze freeze_backbone freeze_base freeze_layers freeze_at frozen unfreeze trainable fine_tune finetune "
     "fine_tune_at",
     "no layer is frozen here, all of them train; a small --learning_rate changes pretrained --weights the least"),
    ("wd weight_decay decay weight_decay_rate l2_reg l2_regularization regularization regularizer",
     "--l2 is the nearest here: the squared kernels, times it, join the loss"),
    ("no_augment no_augmentation no_aug noaug disable_augmentation", "--augment=none turns it off"),
    ("momentum nesterov", "--optimizer=sgd has Nesterov momentum 0.9, and no flag changes it"),
    ("gpus num_gpus n_gpus ngpus nproc_per_node world_size",
     "--replicas says how many devices share a batch; CUDA_VISIBLE_DEVICES=0,1 before the command says which"),
    ("device devices gpu gpus gpu_id gpu_ids num_gpus cuda no_cuda use_cuda use_gpu cpu no_gpu accelerator",
     "the GPU that is there is used; CUDA_VISIBLE_DEVICES=0 before the command chooses one, CUDA_VISIBLE_DEVICES=-1 "
     "none"),
    ("resume_from resume_path continue cont restart load_checkpoint resume_training load",
     "a run goes on when the same command is given again with its --run_dir"),
    ("classes num_classes n_classes nb_classes nc class_names",
     "the classes are the folders in --dataset, and nothing has to be said of them"),
    ("warmup_steps num_warmup_steps", "--warmup_epochs counts it in epochs, and takes fractions of one"),
    ("steps max_steps num_steps iterations max_iter steps_per_epoch", "a run is as long as its --epochs"),
    ("label_smoothing mixup cutmix cutout mosaic randaugment auto_augment class_weight class_weights class_weighting "
     "oversample sampler ema clip_grad grad_clip gradient_clip accumulate gradient_accumulation_steps loss criterion "
     "metric metrics",
     "there is no such choice here: the loss is cross-entropy, and flags.md has all augmentations that there are"),
    ("shuffle drop_last pin_memory prefetch prefetch_factor buffer_size",
     "there is nothing to choose: --seed shuffles every epoch anew, and input is fetched ahead of the steps"),
    ("export save_model save onnx tflite saved_model", "a finished run has saved_model in its --run_dir"),
    ("tensorboard tb wandb mlflow logger", "a run writes TensorBoard's files into its --run_dir"),
    ("image images img imgs picture pictures file files path data dataset data_dir folder source src input i",
     "pictures and folders of them stand after the flags: predict.py --run=RUN --csv=out.csv holiday.jpg pictures/"),
    ("image_size img_size imgsz imgsize img size input_size", "the --run knows the size of its pictures"),
    ("batch_size batch bs b global_batch_size", "the size of the batches is no choice here"),
    ("threshold conf conf_thres topk top_k k", "all probabilities of a picture are in --csv"),
    ("config cfg conf hparams params yaml", "--flagfile=FILE reads flags from a file"),
    ("verbose v quiet silent debug log_level", "there is one log, of what is worth a line, and no such switch"),
    ("version", "results.json of a run says the versions of all that took part"),
)  # fmt: skip
