"""What other programs call our flags, and what we have instead of those of theirs that we lack."""

# Our flag -> what others call it. Of two lines with one name, the first whose flag a script has is the script's.
RENAMED = (
    ("dataset", "data data_path dataset_path dataset_name data_root datadir input input_dir images "
     "images_dir image_dir folder root source src"),
    ("labels_csv", "labels label_file labels_file labels_path label_csv annotations annotation_file csv_file "
     "csv_path train_csv train_labels"),
    ("image_size", "img_size imgsz imgsize img input_size size resolution crop_size target_size img_height "
     "img_width image_height image_width height width s"),
    ("resize", "resize_mode crop_mode letterbox keep_aspect keep_aspect_ratio crop_to_aspect_ratio "
     "pad_to_aspect_ratio"),
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
    ("precision", "amp use_amp fp16 to_fp16 float16 bf16 bfloat16 half mixed_precision dtype amp_dtype "
     "autocast"),
    ("strategy", "distribute distributed ddp multi_gpu data_parallel distribution_strategy"),
    ("checkpoint_every_steps", "save_steps"),
    ("profile_steps", "profile profiler profile_batch"),
    ("seed", "random_seed manual_seed seed_everything rng_seed rng"),
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
    ("pretrained pretrained_weights imagenet load_weights init_weights from_pretrained checkpoint ckpt transfer "
     "initial_checkpoint pretrained_path",
     "--weights=imagenet starts a --model that keras.applications knows, as mobilenet_v2, from pretrained weights"),
    ("freeze freeze_backbone freeze_base freeze_layers freeze_at freeze_epochs frozen unfreeze trainable "
     "fine_tune finetune fine_tune_at",
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
    ("resume_from resume_path continue cont restart load_checkpoint resume_training load start_epoch initial_epoch",
     "a run goes on when the same command is given again with its --run_dir"),
    ("classes num_classes n_classes nb_classes nc class_names class_map class_mode label_mode single_cls",
     "the classes are the folders in --dataset, and nothing has to be said of them"),
    ("warmup_steps num_warmup_steps", "--warmup_epochs counts it in epochs, and takes fractions of one"),
    ("steps max_steps num_steps iterations max_iter steps_per_epoch", "a run is as long as its --epochs"),
    ("label_smoothing smoothing mixup cutmix cutout mosaic close_mosaic randaugment auto_augment autoaugment aa reprob "
     "erasing random_erase random_erasing hsv_h hsv_s hsv_v saturation hue perspective copy_paste fill_mode drop_path "
     "class_weight class_weights class_weighting oversample sampler ema model_ema clip_grad grad_clip gradient_clip "
     "clip_norm accumulate gradient_accumulation_steps loss criterion metric metrics eval_metric tta",
     "there is no such choice here: the loss is cross-entropy, and flags.md has all augmentations that there are"),
    ("train_dir train_data train_path train_split_dir val_dir val_data val_path valid_dir validation_dir "
     "validation_data test_dir test_data test_path",
     "--dataset names the folder of class folders, or the one of train, validation and test with class folders"),
    ("validation_batch_size val_batch_size eval_batch_size test_batch_size vb",
     "--global_batch_size is for scoring too"),
    ("validation_freq val_every val_interval eval_every eval_interval eval_freq check_val_every_n_epoch val noval",
     "every epoch is validated where there is a validation split; --full_train does without"),
    ("save_every save_freq save_period save_interval checkpoint_freq checkpoint_interval checkpoint_hist",
     "the end of every epoch is saved; --checkpoint_every_steps saves between them too"),
    ("monitor", "the best epoch is by validation accuracy, and --early_stop_patience looks at the validation loss"),
    ("min_lr lr_min lrf final_lr warmup_lr start_lr decay_epochs decay_rate lr_decay_rate gamma lr_gamma step_size "
     "lr_step_size milestones cooldown_epochs patience_epochs one_cycle",
     "--schedule=cosine falls to nothing, and --warmup_epochs climb before it; there is no other"),
    ("lr_find find_lr auto_lr_find", "nothing here looks for a --learning_rate"),
    ("limit max_samples max_train_samples limit_train_batches num_samples subset fraction",
     "a run takes all pictures in --dataset, or those that --labels_csv names"),
    ("kfold k_fold folds num_folds n_folds cv cross_validation", "one split is drawn; --split_seed draws another"),
    ("local_rank rank node_rank nodes num_nodes dist_url dist_backend master_addr master_port "
     "multiprocessing_distributed sync_bn", "a run is on one machine and by itself takes all of its GPUs"),
    ("deterministic use_deterministic_algorithms",
     "every run is: the same files, options and --seed give the same bits"),
    ("compile torchcompile jit_compile jit xla run_eagerly channels_last",
     "what is compiled is chosen, and the log says it"),
    ("log_interval print_freq log_every log_freq log_steps logging_steps disp_freq",
     "the log has the lines of every epoch"),
    ("mean std normalize rescale featurewise_center preprocessing",
     "pixels become 0 to 1, and what else a --model needs is part of it"),
    ("interpolation crop_pct",
     "a pixel is the mean of the area that it stands for, and --resize says what of a picture is kept"),
    ("force overwrite exist_ok yes", "no run is written over: another --run_dir trains again"),
    ("dry_run", "prepare.py looks at the pictures and trains nothing"),
    ("evaluate eval eval_only test test_only validate", "evaluate.py scores a finished run"),
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
